// The mail. Whatever has `subject` and `text` can be sent by the next node: the editions of reports come here later.
const { draft } = $input.first().json;
const number = (name) => draft.counts[name] || 0;
const waiting = Object.keys(draft.requests).length;
const open = Object.keys(draft.cases).length;
const kinds = (named) => {
  const counts = {};
  for (const kind of Object.values(named)) counts[kind] = (counts[kind] || 0) + 1;
  return Object.keys(counts).sort().map((kind) => `    ${kind}: ${counts[kind]}`);
};
const lines = [
  `From ${draft.since} to ${draft.until}`,
  '',
  'Approvals',
  `  asked: ${number('asked')}`,
  `  within policy, nobody asked: ${number('passed')}`,
  `  decisions to approve: ${number('decision_approve') + number('decision_approve_with_conditions')}`,
  `  approved: ${number('approved')}`,
  `  released in an emergency: ${number('emergency_released')}`,
  `  rejected: ${number('approval_rejected')}`,
  `  sent back: ${number('revision_requested')}`,
  `  withdrawn or void: ${number('approval_withdrawn') + number('approval_voided')}`,
  `  waiting now: ${waiting}`,
  ...kinds(draft.requests),
  '',
  'Cases',
  `  opened: ${number('case_opened')}`,
  `  escalated: ${number('case_escalated')}`,
  `  closed: ${number('case_closed')}`,
  `  open now: ${open}`,
  ...kinds(draft.cases),
  `  because of dead letters: ${number('dead_letters')}`,
];
const day = draft.until.slice(0, 10);
const subject = `Distribution, ${day}: ${number('approved')} approved, ${waiting} waiting, ${open} cases open`;
return [{ json: { subject, text: lines.join('\n'), draft } }];
