/**
 * The core of each application, by its container of modules, which every module of it can inject. Classes that Nest
 * makes in the modules of users find theirs here: nothing internal is exported for them.
 */
const cores = new WeakMap<object, object>();

/** @param modules the `ModulesContainer` of an application */
export function rememberCore(modules: object, core: object): void {
  cores.set(modules, core);
}

/** @returns what has been remembered for these modules last, as far as the caller needs it */
export function coreOf<Core extends object>(modules: object): Core {
  return cores.get(modules) as Core;
}
