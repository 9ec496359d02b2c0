// What could not be handed over becomes an event in Odoo's ledger, from where operations are alerted.
const { call, status, answer } = $input.first().json;
const namespace = $env.DISTRIBUTION_NAMESPACE || 'n8n';
const data = {
  workflow: $workflow.name,
  execution: $execution.id,
  receiver: call.receiver,
  key: call.key,
  status,
  problem: answer.type || null,
  detail: JSON.stringify(answer.errors || answer.detail || answer.title || '').slice(0, 500),
};
if (call.keep) data.content = call.body;
const event = {
  specversion: '1.0',
  id: `${call.key}-${$execution.id}`.slice(-200),
  source: `urn:n8n:${$workflow.id}`,
  type: `${namespace}.call.refused.v1`,
  data,
};
if (call.about) event.subject = call.about;
return [{ json: { body: event } }];
