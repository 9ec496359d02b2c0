// Whoever had an edition is told when it is recalled.
const memory = $getWorkflowStaticData('global');
const edition = $('About which edition').first().json.edition;
memory.mailed = [...(memory.mailed || []).filter((one) => one !== edition), edition].slice(-1000);
return [];
