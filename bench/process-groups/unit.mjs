/** A unit of systemd with one process, which says when it serves. */
await import('../../test/process/apps/group-worker.mjs');
console.log('serves');
