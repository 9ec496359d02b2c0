// The answer of a person: `REFERENCE approve|reject|revise LINK words`. LINK is the decision link that Odoo mailed to
// that person, and to nobody else: only its one-use token makes this a decision. It is neither kept nor shown here.
const crypto = require('crypto');

const OUTCOMES = { approve: 'approve', reject: 'reject', revise: 'request_revision' };
const SHAPE = /^(?:\/decide\s+)?(\d{1,9})-(\d{1,9})-([0-9a-f]{12})\s+(approve|reject|revise)\s+(\S+)(?:\s+([\s\S]+))?$/;
const HELP = 'Write: REFERENCE approve LINK – or reject LINK why, revise LINK what. LINK is the one from your mail.';
const body = $input.first().json.body || {};
const found = SHAPE.exec(String(body.text || '').trim());
const token = found && /(?:^|\/)([A-Za-z0-9_-]{43})>?$/.exec(found[5]);
if (!token) return [{ json: { understood: false, reply: HELP } }];
const [, request, task, seen, word, , words] = found;
return [
  {
    json: {
      understood: true,
      reply: `Passed on to Odoo: ${word} ${request}-${task}. What became of it is told in the channel.`,
      request: Number(request),
      task: Number(task),
      seen,
      outcome: OUTCOMES[word],
      token: token[1],
      comment: (words || '').trim(),
      key: `decision-${crypto.createHash('sha256').update(found[0]).digest('hex')}`,
      receiver: 'odoo',
      path: `approval-requests/${request}`,
      began: new Date().toISOString(),
    },
  },
];
