/** What the client, whoever it is, is told. */
export const refusalMessage = 'The server is shutting down';

/** The error code of a call that arrived too late, and has not been executed. */
export const drainingCode = 'DRAINING';
