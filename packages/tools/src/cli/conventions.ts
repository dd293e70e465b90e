/** The exit status for input that cannot be used. */
export const BAD_INPUT = 2;

/** Help is laid out for 80 columns wherever it is read. */
export const helpWidth = (): number => 80;
