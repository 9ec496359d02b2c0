// What operations want to be called for; everything else in the subscription is heard and left alone.
const { id, event } = $input.first().json;
const base = $env.DISTRIBUTION_PUBLIC_URL || $env.DISTRIBUTION_URL;
const namespace = $env.DISTRIBUTION_NAMESPACE || 'n8n';
const { type } = event;
// Events from outside keep what they said in a part of their own; what they are about as well.
const ours = !type.startsWith(`${namespace}.`);
const data = ours ? event.data : event.data.data;
const subject = (ours ? event.subject : event.data.subject) || '';
const SEVERITY = ['low', 'normal', 'high', 'critical'];
const [model, number] = subject.split(',');
const link = number ? `${base}/web#model=${model}&id=${number}&view_type=form` : base;
const task = data.task_id ? `${base}/web#model=distribution.approval.task&id=${data.task_id}&view_type=form` : link;

let title;
if (type === 'distribution.case.opened.v1' && data.case_type.startsWith('webhook_')) {
  title = `Dead letters or a dead endpoint: case ${number} (${data.case_type})`;
} else if (type === 'distribution.case.opened.v1' && Number(data.severity) >= 2) {
  title = `New case ${number}: ${data.case_type}, ${data.kind}, ${SEVERITY[data.severity]}`;
} else if (type === 'distribution.case.escalated.v1') {
  title = `Case ${number} is overdue: step ${data.level}, ${SEVERITY[data.severity_after]} now`;
} else if (/^distribution\.\w+\.(task_escalated|task_expired)\.v1$/.test(type)) {
  title = `Nobody decided in time: ${subject}, task ${data.task_id} (${data.step})`;
} else if (type === `${namespace}.workflow.failed.v1` && data.workflow !== $workflow.name) {
  title = `n8n: ${data.workflow} failed at “${data.node}”, execution ${data.execution}`;
} else if (type === `${namespace}.call.refused.v1` && data.workflow !== $workflow.name) {
  title = `n8n: ${data.receiver} did not take ${data.key} (${data.status}), execution ${data.execution}`;
} else if (!ours && type.endsWith('.not_understood.v1')) {
  title = `n8n: a message of ${data.sender} was not understood: ${data.reason}`;
} else {
  return [];
}
const text = `${title}\n${task}\nEvent ${id}, ${event.time}`;
const began = new Date().toISOString();
return [{ json: { receiver: 'chat', key: id, body: { text }, title, text, began, about: subject || undefined } }];
