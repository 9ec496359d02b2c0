// Editions of reports that were released or recalled. A recall is told to those who were mailed the edition.
const { id, event, began } = $input.first().json;
const fact = /^distribution\.report\.(released|recalled)\.v1$/.exec(event.type);
const edition = /^distribution\.report\.edition,(\d+)$/.exec(event.subject || '');
if (!fact || !edition) return [];
const list = (words) => (words || '').split(/[\s,]+/).filter(Boolean);
const { report, period, edition: number, digest, classification, corrects } = event.data;
const mailed = $getWorkflowStaticData('global').mailed || [];
const released = fact[1] === 'released';
const codes = list($env.DISTRIBUTION_REPORT_CODES);
const classes = list($env.DISTRIBUTION_REPORT_CLASSES || 'internal');
if (codes.length && !codes.includes(report)) return [];
if (released ? !classes.includes(classification) : !mailed.includes(edition[1])) return [];
const path = `reports/${report}/editions/${edition[1]}`;
const subject = `Recalled: ${report}, ${period}, edition ${number}`;
const text = `Edition ${number} of ${report} for ${period} was recalled. Do not use it any more; Odoo says why.`;
const about = { receiver: 'odoo', path, key: id, began, released, digest, corrects, edition: edition[1] };
return [{ json: released ? about : { ...about, subject, text } }];
