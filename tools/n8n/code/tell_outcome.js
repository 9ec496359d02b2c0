// What became of the decision, without the token.
const { outcome, status, answer } = $input.first().json;
const asked = $('Read the answer').first().json;
const number = `${asked.request}-${asked.task}`;
let text;
if (outcome === 'done' && answer.result) text = `${number}: decided. The request is ${answer.result.request_state}.`;
else if (outcome === 'done') text = `${number}: Odoo kept the decision (${status}).`;
else if (!answer.type) text = `${number}: Odoo could not be reached. Nothing was decided: use the link in your mail.`;
else {
  const words = [`${number}: not decided. ${answer.title}`, answer.detail, answer.remedy, answer.link];
  text = words.filter(Boolean).join(' ');
}
return [{ json: { receiver: 'chat', key: asked.key, body: { text }, began: new Date().toISOString() } }];
