// One notice for each task that waits and content that is asked; one more when the request is closed.
const request = $input.first().json.answer;
const base = $env.DISTRIBUTION_PUBLIC_URL || $env.DISTRIBUTION_URL;
const people = JSON.parse($env.DISTRIBUTION_CHAT_PEOPLE || '{}');
const began = new Date().toISOString();
const what = `${request.document_name || request.document} – ${request.amount.toFixed(2)} ${request.currency}`;
const notice = (key, text) => ({ json: { receiver: 'chat', key, body: { text }, began, about: request.document } });

if (request.state !== 'pending' && request.state !== 'question') {
  return [notice(`request-${request.id}-${request.round}-${request.state}`, `${what}: ${request.state}`)];
}
return request.tasks
  .filter((task) => task.state === 'open' && task.digest)
  .map((task) => {
    const reference = `${request.id}-${task.id}-${task.digest.slice(0, 12)}`;
    const names = task.user_ids.map((user) => people[user]).filter(Boolean).join(' ');
    const lines = [
      `Approval needed: ${what} – ${task.name}${names ? ` (${names})` : ''}`,
      `Look at it and decide: ${base}/web#model=distribution.approval.task&id=${task.id}&view_type=form`,
      `Or answer here, with the link from your own mail: /decide ${reference} approve LINK`,
      `(or: reject LINK why, revise LINK what)`,
    ];
    return notice(`task-${task.id}-${task.digest}`, lines.join('\n'));
  });
