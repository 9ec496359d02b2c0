// Where the last summary ended, and what was open then. The first run reads the ledger from its beginning.
const kept = $getWorkflowStaticData('global');
const now = new Date().toISOString();
const since = kept.until || new Date(Date.now() - 24 * 3600 * 1000).toISOString();
const draft = {
  first: !kept.cursor,
  since,
  until: now,
  cursor: kept.cursor || '',
  requests: { ...(kept.requests || {}) },
  cases: { ...(kept.cases || {}) },
  counts: {},
};
return [{ json: { draft, receiver: 'odoo', key: 'events', began: now, path: page(draft.cursor) } }];

function page(cursor) {
  return `events?limit=500${cursor ? `&cursor=${cursor}` : ''}`;
}
