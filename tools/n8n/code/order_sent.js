// The supplier took it: that is a fact, too.
const { call, status, answer } = $input.first().json;
const receipt = answer.receipt ? String(answer.receipt).slice(0, 64) : null;
const body = {
  specversion: '1.0',
  id: call.key,
  source: `urn:n8n:${$workflow.id}`,
  type: `${$env.DISTRIBUTION_NAMESPACE || 'n8n'}.purchase_order.sent.v1`,
  subject: call.about,
  correlationid: call.about,
  data: { order: call.body.order, kind: call.body.kind, status, receipt },
};
return [{ json: { body } }];
