/** A bare Express application, as its documentation begins: nothing listens for a signal. */
import express from 'express';

const app = express();
app.get('/health/ready', (_req, res) => res.send('ready'));
app.get('/', (_req, res) => setTimeout(() => res.send('answer'), 20));
app.listen(Number(process.env.PORT), '127.0.0.1');
