// What is mailed is, byte for byte, what was released.
const crypto = require('crypto');

const mail = $('Write the mail').first().json;
const { binary } = $input.first();
const bytes = await this.helpers.getBinaryDataBuffer(0, 'data');
const digest = crypto.createHash('sha256').update(bytes).digest('hex');
if (digest !== mail.sha256) throw new Error('The file is not the one that was released.');
return [{ json: mail, binary: { data: { ...binary.data, fileName: mail.file } } }];
