/** Every kind of `@auth` rule against every kind of viewer, on a small schema that has them all. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ExecutionResult, type GraphQLSchema, graphql, parse, subscribe } from 'graphql';
import { subgraphSchema } from './graphql.ts';
import type { Role, Viewer } from './tokens.ts';

const SDL = `
  type Query {
    open: String
    signedIn: String @auth
    forStaff: String @auth(roles: ["STAFF", "ADMIN"])
    diary(of: ID!): Diary
    diaries(of: [ID!]!): [Diary!]
    person(id: ID!): Person
  }
  type Diary @key(fields: "id") @auth(owner: "ownerId") {
    id: ID!
    title: String
    audit: String @auth(roles: ["ADMIN"])
    next: Diary
  }
  type Person @key(fields: "id") {
    id: ID!
    name: String
    email: String @auth(owner: "id")
    medical: String @auth(owner: "id", roles: ["ADMIN"])
    diaries: [Diary!]
  }
  type Mutation {
    write: String @auth
    publish: String @auth(roles: ["STAFF"])
  }
  type Subscription {
    news: String
    ticks: String @auth
    alarms: String @auth(roles: ["STAFF"])
    written: Diary
  }`;

const READER = randomUUID();
const OTHER = randomUUID();
const diaryOf = (ownerId: string) => ({ id: ownerId, ownerId, title: 'Dear diary', audit: 'read twice' });
const personOf = (id: string) => ({ id, name: 'A Person', email: 'a@example.test', medical: 'fine' });
/** What a resolver has really done. */
let effects: string[] = [];
const done = (what: string) => () => {
  effects.push(what);
  return what;
};
async function* once(name: string, value: unknown = name) {
  yield { [name]: value };
}

const resolvers = {
  Query: {
    open: done('open'),
    signedIn: done('signedIn'),
    forStaff: done('forStaff'),
    diary: (_: unknown, { of }: { of: string }) => diaryOf(of),
    diaries: (_: unknown, { of }: { of: string[] }) => of.map(diaryOf),
    person: (_: unknown, { id }: { id: string }) => personOf(id),
  },
  Diary: {
    __resolveReference: ({ id }: { id: string }) => (id === 'none' ? null : diaryOf(id)),
    next: () => diaryOf(OTHER),
  },
  Person: {
    __resolveReference: ({ id }: { id: string }) => personOf(id),
    diaries: ({ id }: { id: string }) => [diaryOf(id)],
  },
  Mutation: { write: done('write'), publish: done('publish') },
  Subscription: {
    news: { subscribe: () => once('news') },
    ticks: { subscribe: () => once('ticks') },
    alarms: { subscribe: () => once('alarms') },
    written: { subscribe: () => once('written', diaryOf(READER)) },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'rentabook-auth-'));
let schema: GraphQLSchema;
beforeAll(() => {
  const file = join(folder, 'schema.graphql');
  writeFileSync(file, SDL);
  schema = subgraphSchema(pathToFileURL(file), resolvers);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  effects = [];
});

const viewer = (customerId: string, ...roles: Role[]): Viewer => ({ customerId, roles, expiresAt: new Date() });
const viewers = {
  nobody: null,
  reader: viewer(READER, 'CUSTOMER'),
  other: viewer(OTHER, 'CUSTOMER'),
  courier: viewer(randomUUID(), 'COURIER'),
  staff: viewer(randomUUID(), 'STAFF'),
  admin: viewer(randomUUID(), 'ADMIN'),
};
type Who = keyof typeof viewers;
const everybody = Object.keys(viewers) as Who[]; // the keys are what the table was written with

const answerFor = (who: Who, source: string) => graphql({ schema, source, contextValue: { viewer: viewers[who] } });

async function ask(who: Who, source: string): Promise<{ data: unknown; codes: unknown[] }> {
  const { data, errors = [] } = await answerFor(who, source);
  return { data: JSON.parse(JSON.stringify(data ?? null)), codes: errors.map(({ extensions }) => extensions.code) };
}

/** Who gets something for a field other than null. */
async function whoSees(source: string, see: (data: never) => unknown): Promise<Who[]> {
  const seeing: Who[] = [];
  for (const who of everybody) {
    const { data } = await ask(who, source);
    if (see(data as never)) seeing.push(who);
  }
  return seeing;
}

const signedIn: Who[] = ['reader', 'other', 'courier', 'staff', 'admin'];

describe('an operation', () => {
  test.each([
    ['open', everybody],
    ['signedIn', signedIn],
    ['forStaff', ['staff', 'admin']],
  ])('%s is for %p; for the rest it is null without an error, and not run', async (field, allowed) => {
    expect(await whoSees(`{ ${field} }`, (data) => data[field])).toEqual(allowed);
    expect(effects).toHaveLength(allowed.length);
    for (const who of everybody) expect((await ask(who, `{ ${field} }`)).codes).toEqual([]);
  });

  test('that changes something is refused by name, and not run', async () => {
    expect(await ask('nobody', 'mutation { write }')).toEqual({ data: { write: null }, codes: ['UNAUTHENTICATED'] });
    expect(await ask('nobody', 'mutation { publish }')).toMatchObject({ codes: ['UNAUTHENTICATED'] });
    for (const who of ['reader', 'courier', 'admin'] as const)
      expect(await ask(who, 'mutation { publish }')).toMatchObject({ codes: ['FORBIDDEN'] });
    expect(effects).toEqual([]);

    expect(await ask('reader', 'mutation { write }')).toEqual({ data: { write: 'write' }, codes: [] });
    expect(await ask('staff', 'mutation { publish }')).toEqual({ data: { publish: 'publish' }, codes: [] });
  });
});

describe('an object with an owner', () => {
  test("is its owner's and the staff's; to the rest it is as one that does not exist", async () => {
    expect(await whoSees(`{ diary(of: "${READER}") { title } }`, ({ diary }) => diary)).toEqual([
      'reader',
      'staff',
      'admin',
    ]);
    expect(await ask('other', `{ diary(of: "${READER}") { title } }`)).toEqual({ data: { diary: null }, codes: [] });
  });

  test("among others' hides the whole list: a list is asked for whole", async () => {
    const both = `{ diaries(of: ["${READER}", "${OTHER}"]) { title } }`;
    expect(await whoSees(both, ({ diaries }) => diaries)).toEqual(['staff', 'admin']);
    expect(await whoSees(`{ diaries(of: ["${OTHER}"]) { title } }`, ({ diaries }) => diaries)).toContain('other');
    expect(await ask('nobody', '{ diaries(of: []) { title } }')).toEqual({ data: { diaries: [] }, codes: [] });
  });

  test('is refused with an error where it is nested, and the rest of the answer stands', async () => {
    const nested = `{ diary(of: "${READER}") { title next { title } } person(id: "${OTHER}") { name diaries { title } } }`;
    expect(await ask('reader', nested)).toEqual({
      data: { diary: { title: 'Dear diary', next: null }, person: { name: 'A Person', diaries: null } },
      codes: ['FORBIDDEN', 'FORBIDDEN'],
    });
    expect((await ask('staff', nested)).codes).toEqual([]);
  });
});

describe('a field', () => {
  test.each([
    ['email', ['reader', 'staff', 'admin']],
    ['medical', ['reader', 'admin']],
    ['name', everybody],
  ])('%s is seen by %p, and refused to the rest', async (field, allowed) => {
    const query = `{ person(id: "${READER}") { id ${field} } }`;
    expect(await whoSees(query, ({ person }) => person[field])).toEqual(allowed);
    for (const who of everybody)
      expect((await ask(who, query)).codes).toEqual((allowed as Who[]).includes(who) ? [] : ['FORBIDDEN']);
  });

  test("of an object has a rule beside the object's", async () => {
    const query = `{ diary(of: "${READER}") { title audit } }`;
    expect(await ask('reader', query)).toEqual({
      data: { diary: { title: 'Dear diary', audit: null } },
      codes: ['FORBIDDEN'],
    });
    expect((await ask('admin', query)).data).toEqual({ diary: { title: 'Dear diary', audit: 'read twice' } });
  });
});

describe('a reference', () => {
  const entities = (...representations: string[]) =>
    `{ _entities(representations: [${representations.join()}]) { ... on Diary { title } ... on Person { name email } } }`;
  const diary = (id: string) => `{ __typename: "Diary", id: "${id}" }`;

  test("to another's object is refused in its place; to one that does not exist it is null; the others of the list stand", async () => {
    const { errors, ...answer } = await answerFor('reader', entities(diary('none'), diary(OTHER), diary(READER)));
    expect(answer).toEqual({ data: { _entities: [null, null, { title: 'Dear diary' }] } });
    expect(errors).toMatchObject([{ path: ['_entities', 1], extensions: { code: 'FORBIDDEN' } }]);
    expect(await ask('nobody', entities(diary(READER)))).toEqual({ data: { _entities: [null] }, codes: ['FORBIDDEN'] });
    expect(await ask('staff', entities(diary(READER)))).toMatchObject({
      data: { _entities: [{ title: 'Dear diary' }] },
    });
  });

  test('does not lead around the rules of its fields', async () => {
    expect(await ask('other', entities(`{ __typename: "Person", id: "${READER}" }`))).toEqual({
      data: { _entities: [{ name: 'A Person', email: null }] },
      codes: ['FORBIDDEN'],
    });
  });
});

describe('a subscription', () => {
  async function listen(who: Who, field: string, selection = ''): Promise<unknown> {
    const document = parse(`subscription { ${field} ${selection} }`);
    const stream = await subscribe({ schema, document, contextValue: { viewer: viewers[who] } });
    if (!(Symbol.asyncIterator in stream)) return stream.errors?.map(({ extensions }) => extensions.code);
    const events: ExecutionResult[] = [];
    for await (const event of stream) events.push(event);
    return events.map(({ data }) => data?.[field]);
  }

  test('is refused before it begins', async () => {
    expect(await listen('nobody', 'ticks')).toEqual(['UNAUTHENTICATED']);
    expect(await listen('nobody', 'alarms')).toEqual(['UNAUTHENTICATED']);
    expect(await listen('reader', 'alarms')).toEqual(['FORBIDDEN']);
  });

  test('goes on for those who may', async () => {
    expect(await listen('nobody', 'news')).toEqual(['news']);
    expect(await listen('reader', 'ticks')).toEqual(['ticks']);
    expect(await listen('staff', 'alarms')).toEqual(['alarms']);
  });

  test("delivers no object of another's", async () => {
    expect(await listen('reader', 'written', '{ title }')).toEqual([{ title: 'Dear diary' }]);
    expect(await listen('other', 'written', '{ title }')).toEqual([null]);
  });
});
