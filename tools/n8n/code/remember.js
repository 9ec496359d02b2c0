// Only now that the mail is on its way: a summary that could not be sent is part of the next one.
const { draft } = $('Write the summary').first().json;
const kept = $getWorkflowStaticData('global');
Object.assign(kept, { until: draft.until, cursor: draft.cursor, requests: draft.requests, cases: draft.cases });
return [{ json: { remembered: draft.cursor } }];
