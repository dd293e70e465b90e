export async function runRows() {}
