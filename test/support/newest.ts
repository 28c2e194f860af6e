import { Module } from 'node:module';

// Imported first, it makes later imports load the newest aws-cdk-lib instead of the lowest that is supported.
const resolver = Module as unknown as { _resolveFilename(request: string, ...rest: unknown[]): string };
const resolve = resolver._resolveFilename;
resolver._resolveFilename = (request, ...rest) =>
  resolve.call(resolver, request.replace(/^aws-cdk-lib(?=$|\/)/, 'aws-cdk-lib-newest'), ...rest);
