import { Properties, record, text } from '../templates/values';

/*
 * The parameters of a call to AWS, which integ-tests-alpha encodes as JSON, one by one. Its handler passes a parameter
 * that it cannot decode to the API as it is: with the quotation marks of the encoding.
 * https://github.com/aws/aws-cdk/blob/main/packages/%40aws-cdk/integ-tests-alpha/lib/assertions/providers/lambda-handler/utils.ts
 */

/** Why AWS would reject the parameters of a call, as far as this is known without its API. */
export function malformedParameter({ service, api, parameters }: Properties): string | undefined {
  const encoded = Object.entries(record(parameters));
  for (const [name, value] of encoded) {
    if (typeof value === 'string' && decode(value) === undefined) {
      return `the parameter ${name} is ${value}, which the assertion handler cannot decode, so AWS would receive`
        + ' it with these quotation marks: a token in it contains quotation marks or line breaks, as'
        + ' stack.toJsonString() does; pass plain values';
    }
  }
  const payload = decode(text(record(parameters).Payload, '""'))?.value;
  const isInvocation = `${service}:${api}`.toLowerCase() === 'lambda:invoke';
  if (isInvocation && typeof payload === 'string' && payload !== '' && decode(payload) === undefined) {
    return `the payload is ${payload}, which is not JSON, so Lambda would reject it: pass JSON.stringify(…)`;
  }
  return undefined;
}

/** @returns undefined if the text is not JSON */
function decode(json: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) };
  } catch {
    return undefined;
  }
}
