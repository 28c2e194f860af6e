// The code that the handler of an assertion runs in AWS, which is not public API.
import { decodeParameters } from '@aws-cdk/integ-tests-alpha/lib/assertions/providers/lambda-handler/utils';
import { Assembly } from '../../src/rehearsal/templates/assembly';
import { Resolver } from '../../src/rehearsal/templates/intrinsics';
import { Properties, record } from '../../src/rehearsal/templates/values';

/** A call to AWS that an assertion makes. Values that only AWS knows are placeholders: {{aws:…}}. */
export interface ApiCall {
  readonly service: string;
  readonly api: string;
  /** As they are in the template, each encoded as JSON. */
  readonly encoded: Properties;
  /** As the handler passes them to the API. */
  readonly parameters: Properties;
  /** With its matchers. */
  readonly expected?: unknown;
}

/** The calls to AWS that the assertions of an assembly make. */
export function apiCallsIn(directory: string): ApiCall[] {
  const assembly = Assembly.read(directory);
  const resolver = new Resolver(assembly);
  return assembly.integTests.flatMap(({ stack }) => stack.resources
    .filter(([, { Type }]) => Type.startsWith('Custom::DeployAssert@SdkCall'))
    .map(([logicalId]) => {
      const { service, api, parameters, expected } = resolver.properties({ stack, logicalId });
      const encoded = record(parameters);
      return {
        service: String(service),
        api: String(api),
        encoded,
        parameters: decodeParameters(encoded),
        expected: expected === undefined ? undefined : JSON.parse(String(expected)),
      };
    }));
}
