// What came of a call: done, refused for good, or to be tried again after pauses that double, until the time is over.
const call = SOURCE.json;
const came = $input.first().json;
const status = Number(came.statusCode) || 0;
let answer;
try {
  answer = JSON.parse(came.data);
} catch {
  answer = { text: String(came.data ?? '').slice(0, 500) };
}
const elapsed = (Date.now() - Date.parse(call.began)) / 1000;
const clearly_no = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
let outcome = 'again';
if (status >= 200 && status < 300) outcome = 'done';
else if (clearly_no || elapsed > PATIENCE) outcome = 'refused';
const pause = Math.min(Math.max(Math.round(elapsed), SHORTEST), LONGEST);
return [{ json: { outcome, status, answer, pause, call } }];
