/** The event contract as an AsyncAPI 3 document, made from the schemas that both ends check; `npm run compose` writes it. */
import { z } from 'zod';
import { aggregateOf, contextOf, eventSchemas, eventTypes, streams, subjectOf, wireType } from './events.ts';
import { type RequestSubject, requests } from './requests.ts';

const ref = (path: string) => ({ $ref: `#/${path}` });

const envelopeOf = (type: (typeof eventTypes)[number]) => ({
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'aggregateversion', 'data'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string', description: `${aggregateOf(type)}-<id>:<version>, also the Nats-Msg-Id` },
    source: { type: 'string' },
    type: { const: wireType(type) },
    subject: { type: 'string', format: 'uuid', description: 'id of the aggregate' },
    time: { type: 'string', format: 'date-time' },
    datacontenttype: { const: 'application/json' },
    aggregateversion: { type: 'integer', minimum: 1, description: 'counts the events of the aggregate, without a gap' },
    correlationid: { type: 'string', format: 'uuid', description: 'the rental' },
    causationid: { type: 'string', description: 'id of the event that led to this one' },
    traceparent: { type: 'string', description: 'W3C Trace Context' },
    data: ref(`components/schemas/${type}`),
  },
});

const jsonSchema = (schema: z.ZodType) => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema);
  return rest;
};

const serviceOf = (type: (typeof eventTypes)[number]): string =>
  Object.entries(streams).find(([, contexts]) => (contexts as readonly string[]).includes(contextOf(type)))?.[0] ?? '';

export function asyncApiDocument(): object {
  const subjects = Object.keys(requests) as RequestSubject[]; // the keys are what the table was written with
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Rentabook events and requests',
      version: '1.0.0',
      description:
        'State changes as CloudEvents in one JetStream stream per service, and requests between services. Events carry ids and facts, no personal data.',
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(
        eventTypes.map((type) => [
          type,
          {
            address: subjectOf(type, '{aggregateId}'),
            description: `Stream ${serviceOf(type)}.`,
            parameters: { aggregateId: { description: `id of the ${aggregateOf(type)}` } },
            messages: { event: ref(`components/messages/${type}`) },
          },
        ]),
      ),
      ...Object.fromEntries(
        subjects.map((subject) => [
          subject,
          {
            address: subject,
            messages: {
              ask: ref(`components/messages/${subject}.ask`),
              answer: ref(`components/messages/${subject}.answer`),
            },
          },
        ]),
      ),
    },
    operations: {
      ...Object.fromEntries(
        eventTypes.map((type) => [`publish ${type}`, { action: 'send', channel: ref(`channels/${type}`) }]),
      ),
      ...Object.fromEntries(
        subjects.map((subject) => [
          `ask ${subject}`,
          {
            action: 'send',
            channel: ref(`channels/${subject}`),
            messages: [ref(`channels/${subject}/messages/ask`)],
            reply: { channel: ref(`channels/${subject}`), messages: [ref(`channels/${subject}/messages/answer`)] },
          },
        ]),
      ),
    },
    components: {
      messages: {
        ...Object.fromEntries(eventTypes.map((type) => [type, { name: wireType(type), payload: envelopeOf(type) }])),
        ...Object.fromEntries(
          subjects.flatMap((subject) => [
            [`${subject}.ask`, { payload: jsonSchema(requests[subject].ask) }],
            [`${subject}.answer`, { payload: jsonSchema(requests[subject].answer) }],
          ]),
        ),
      },
      schemas: Object.fromEntries(eventTypes.map((type) => [type, jsonSchema(eventSchemas[type])])),
    },
  };
}
