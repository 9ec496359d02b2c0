// The channel is told all the same; that the mail did not go out is a fact for the ledger.
const { key, about } = $('Worth an alert?').first().json;
const body = {
  specversion: '1.0',
  id: `mail-${key}`,
  source: `urn:n8n:${$workflow.id}`,
  type: `${$env.DISTRIBUTION_NAMESPACE || 'n8n'}.workflow.failed.v1`,
  data: { workflow: $workflow.name, execution: String($execution.id), node: 'Mail' },
};
if (about) body.subject = about;
return [{ json: { body } }];
