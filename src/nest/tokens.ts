/** DI token of the application's lifecycle. */
export const APPLICATION_LIFECYCLE = Symbol.for('nestjs-drain:application-lifecycle');
