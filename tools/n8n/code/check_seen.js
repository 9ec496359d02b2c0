// The decision is about what the notice showed: the reference names its content.
const answer = $('Read the answer').first().json;
const { answer: request } = $input.first().json;
const task = (request.tasks || []).find((one) => one.id === answer.task);
const began = new Date().toISOString();
const number = `${answer.request}-${answer.task}`;
if (!task || !task.digest || !task.digest.startsWith(answer.seen)) {
  const text = `${number}: it has changed since that notice, or is not asked any more. Nothing was decided.`;
  return [{ json: { asked: false, receiver: 'chat', key: answer.key, body: { text }, began } }];
}
const body = { task_id: answer.task, token: answer.token, outcome: answer.outcome, seen_digest: task.digest };
if (answer.comment) body.comment = answer.comment;
return [{ json: { asked: true, receiver: 'odoo', path: 'approval-decisions', key: answer.key, body, began } }];
