import { ExpectedResult, IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App } from 'aws-cdk-lib';
import { NotesStack } from '../lib/notes-stack';

const app = new App();
const stack = new NotesStack(app, 'NotesTest', { deletionProtection: false });
const { assertions } = new IntegTest(app, 'Test', { testCases: [stack] });
const url = `${stack.url}/`;

const note = { text: 'milk' };
const call = (method: string, body?: object) => assertions.httpApiCall(url, {
  method,
  headers: { 'content-type': 'application/json' },
  body: body && JSON.stringify(body),
});

call('POST', note).expect(ExpectedResult.objectLike({ status: 201, body: note }))
  .next(call('GET').expect(ExpectedResult.objectLike({ status: 200, headers: { 'x-cache': ['miss'] }, body: [note] })))
  .next(call('GET').expect(ExpectedResult.objectLike({ status: 200, headers: { 'x-cache': ['hit'] }, body: [note] })))
  .next(call('POST', {}).expect(ExpectedResult.objectLike({ status: 400 })));
