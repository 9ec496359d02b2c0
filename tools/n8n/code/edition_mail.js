// The mail of an edition: what it says in short, and the file that was released – a PDF before a workbook.
const { answer, call } = $input.first().json;
const { edition, files, summary, marks } = answer;
if (edition.digest !== call.digest) throw new Error('The edition is not the one that was released.');
const file = ['pdf', 'xlsx', 'csv'].map((kind) => files.find((one) => one.format === kind && one.url)).find(Boolean);
const place = edition.site ? `, ${edition.site}` : '';
const subject = `${edition.title}, ${edition.period}${place}, edition ${edition.edition}`;
const replaced = call.corrects ? [`It replaces edition ${call.corrects}, which was recalled.`] : [];
const lines = [...replaced, ...marks, ...[summary].flat().filter(Boolean), `Exceptions: ${edition.exceptions}`];
if (!file) lines.push('The file is in Odoo: the account of n8n is not among its recipients.');
const item = { subject, text: lines.join('\n'), edition: call.edition, with_file: Boolean(file) };
if (file) {
  // As n8n reaches Odoo, which may be another address than that of people.
  item.path = file.url.replace(/^https?:\/\/[^/]+/, '');
  item.sha256 = file.sha256;
  item.file = `${edition.report}-${edition.period}-${edition.edition}.${file.format}`;
}
return [{ json: item }];
