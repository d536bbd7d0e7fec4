// GraphQL over HTTP, judged by the reference suite; anything but "ok" fails.
//   node audit.mjs http://127.0.0.1:8080/graphql [token]
// The server must allow introspection: several audits ask for __type.
import { auditServer } from 'graphql-http';

const EXPECTED = 61;
const url = process.argv[2] ?? process.env.URL;
const token = process.argv[3] ?? process.env.TOKEN;
if (!url) {
  console.error('usage: node audit.mjs URL [TOKEN]');
  process.exit(2);
}

const withToken = (target, init = {}) => {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  return fetch(target, { ...init, headers: { ...init.headers, ...authorization } });
};

const results = await auditServer({ url, fetchFn: withToken });
const failed = results.filter(({ status }) => status !== 'ok');
for (const { id, name, status, reason } of failed) {
  console.error(`${status} ${id} ${name}: ${reason}`);
}
// Fewer audits than known would be a suite that quietly changed under us.
const complete = results.length === EXPECTED;
if (!complete) console.error(`the suite has ${results.length} audits, expected ${EXPECTED}`);
console.log(`${results.length - failed.length} of ${results.length} audits ok`);
process.exit(failed.length === 0 && complete ? 0 : 1);
