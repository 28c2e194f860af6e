import { Module } from 'module';

// Imported first, this gives all that is imported after it the newest aws-cdk-lib in place of the lowest that is supported.
const resolver = Module as unknown as { _resolveFilename(request: string, ...rest: unknown[]): string };
const resolve = resolver._resolveFilename;
resolver._resolveFilename = (request, ...rest) => resolve.call(resolver, request.replace(/^aws-cdk-lib(?=$|\/)/, 'aws-cdk-lib-newest'), ...rest);
