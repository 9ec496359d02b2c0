// Add a page of events to the draft. Counted is what the cursor had not passed, for the ledger gives events when they
// are sealed, some time after they happened; the first time, what is of the last day. Open is what is open now.
const { draft } = $('Page').first().json;
const { events, cursor, has_more } = $input.first().json.answer;
const ENDS = [
  'approved',
  'approval_rejected',
  'approval_withdrawn',
  'approval_voided',
  'emergency_released',
  'revision_requested',
];

for (const event of events) {
  const [, document, fact] = /^distribution\.(\w+)\.(\w+)\.v\d+$/.exec(event.type) || [];
  const { data } = event;
  const count = (name) => {
    if (!draft.first || event.time >= draft.since) draft.counts[name] = (draft.counts[name] || 0) + 1;
  };
  if (document === 'case') {
    const number = String(event.subject).split(',')[1];
    if (fact === 'opened' || fact === 'reopened') {
      draft.cases[number] = fact === 'opened' ? data.case_type : draft.cases[number] || 'case';
      count('case_opened');
      if (data.case_type === 'webhook_dead_letter') count('dead_letters');
    } else if (fact === 'closed' || fact === 'merged') {
      delete draft.cases[number];
      count('case_closed');
    } else if (fact === 'escalated') count('case_escalated');
  } else if (fact === 'passed') {
    count('passed');
  } else if (fact === 'decision_recorded') {
    count(`decision_${data.outcome}`);
  } else if (fact === 'approval_requested' || fact === 'approval_restarted') {
    draft.requests[data.request_id] = document;
    count('asked');
  } else if (ENDS.includes(fact) && data.request_id) {
    delete draft.requests[data.request_id];
    count(fact);
  }
}
draft.cursor = cursor || draft.cursor;
const next = { draft, receiver: 'odoo', key: 'events', began: new Date().toISOString() };
return [{ json: { ...next, has_more, path: `events?limit=500${draft.cursor ? `&cursor=${draft.cursor}` : ''}` } }];
