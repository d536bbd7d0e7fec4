// Apollo Client 4 against a running server, with documents that are first
// validated against the committed schema.
//   node apollo.mjs http://127.0.0.1:8080/graphql TOKEN
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { buildSchema, validate } from 'graphql';

const url = process.argv[2] ?? process.env.URL;
const token = process.argv[3] ?? process.env.TOKEN;
if (!url || !token) {
  console.error('usage: node apollo.mjs URL TOKEN');
  process.exit(2);
}

const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));

// The name of the input type is the schema's business, not this script's.
const open = schema.getMutationType()?.getFields().serviceCaseOpen;
assert.ok(open, 'schema.graphql has no mutation serviceCaseOpen');
const input = open.args.find(({ name }) => name === 'input');
assert.ok(input, 'serviceCaseOpen has no argument input');

const CASES = gql`
  query Cases($first: Int!) {
    serviceCases(first: $first) {
      nodes { id state }
      pageInfo { hasNextPage endCursor }
    }
  }
`;
const OPEN = gql`
  mutation Open($input: ${String(input.type)}) {
    serviceCaseOpen(input: $input) {
      serviceCase { id state }
      userErrors { code field message }
    }
  }
`;
for (const document of [CASES, OPEN]) {
  const errors = validate(schema, document);
  assert.deepEqual(errors.map(({ message }) => message), [], 'a document does not fit the schema');
}

const client = new ApolloClient({
  cache: new InMemoryCache(),
  defaultOptions: { query: { fetchPolicy: 'network-only' } },
  link: new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } }),
});
const cases = async (first) => {
  const { data } = await client.query({ query: CASES, variables: { first } });
  return data.serviceCases;
};
const openCase = async (variables) => {
  const { data } = await client.mutate({ mutation: OPEN, variables: { input: variables } });
  return data.serviceCaseOpen;
};

const before = await cases(5);
assert.ok(before.nodes.length <= 5, 'first is not respected');
assert.equal(typeof before.pageInfo.hasNextPage, 'boolean');

const wish = {
  kind: 'USAGE_GUIDANCE',
  description: 'How do I descale the machine?',
  idempotencyKey: randomUUID(),
};
const opened = await openCase(wish);
assert.deepEqual(opened.userErrors, []);
assert.ok(opened.serviceCase?.id, 'no case came back');

const repeated = await openCase(wish);
assert.equal(repeated.serviceCase?.id, opened.serviceCase.id, 'the key opened a second case');

const after = await cases(1);
assert.equal(after.nodes.length, 1, 'the opened case is not listed');

// A wrong value must arrive as a GraphQL error with a code, not as a network error.
const refused = await openCase({ ...wish, kind: 'NO_SUCH_KIND' }).then(
  () => assert.fail('a wrong enum value was accepted'),
  (error) => error,
);
assert.ok(CombinedGraphQLErrors.is(refused), `not a GraphQL error: ${refused}`);
assert.equal(refused.errors[0].extensions?.code, 'BAD_USER_INPUT');

client.stop();
console.log(`apollo ok: case ${opened.serviceCase.id} in state ${opened.serviceCase.state}`);
