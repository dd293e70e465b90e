/** One part of `bench/systemd.mjs`, inside the machine: `part.mjs <name> <rolls>`. */
const [name, rolls] = process.argv.slice(2);
const { measure } = await import(`./${name}.mjs`);
const broken = await measure(Number(rolls));
process.exit(broken ? 1 : 0);
