/**
 * A fastify server as plain as can be, as a process of its own: one row by key, or one insert, through a pool. The floor
 * of `npm run bench -- web-api`. Settings: HTTP_PORT, DATABASE_URL, MAX_CONNECTIONS.
 */
import fastify from 'fastify';
import pg from 'pg';

const { HTTP_PORT = '', DATABASE_URL = '', MAX_CONNECTIONS = '' } = process.env;

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(MAX_CONNECTIONS) });
await pool.query(
  'create table if not exists bare (number bigint generated always as identity primary key, body jsonb not null)',
);

const app = fastify();
app.get<{ Querystring: { number: string } }>('/bare', async ({ query }) => {
  const { rows } = await pool.query({
    name: 'find',
    text: 'select number, body from bare where number = $1',
    values: [query.number],
  });
  return rows[0] as unknown;
});
app.post('/bare', async ({ body }) => {
  const { rows } = await pool.query({
    name: 'add',
    text: 'insert into bare (body) values ($1) returning number',
    values: [JSON.stringify(body)],
  });
  return rows[0] as unknown;
});
process.once('SIGTERM', () => {
  void app.close().then(() => pool.end());
});
await app.listen({ host: '127.0.0.1', port: Number(HTTP_PORT) });
