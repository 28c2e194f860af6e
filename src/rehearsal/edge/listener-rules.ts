import { Action, Condition, RedirectAction, RuleRequest } from '../model';
import { matchesWildcards } from '../patterns';

/*
 * Evaluates the rules of a listener for a request. Follows
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html and
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
 */

interface Rules {
  readonly rules: ReadonlyArray<{ readonly conditions: readonly Condition[]; readonly action: Action }>;
  readonly defaultAction: Action;
}

/** The action of the first rule whose conditions are all met, otherwise the default action. */
export function decide({ rules, defaultAction }: Rules, request: RuleRequest): Action {
  const rule = rules.find(({ conditions }) => conditions.every((condition) => isMet(condition, request)));
  return rule?.action ?? defaultAction;
}

/** The URL that a redirect sends the client to. */
export function redirectLocation({ location, query }: RedirectAction, request: RuleRequest): string {
  const fill = (text: string) => text
    .replaceAll('#{protocol}', request.protocol.toLowerCase())
    .replaceAll('#{host}', request.host)
    .replaceAll('#{port}', String(request.port))
    .replaceAll('#{path}', request.path.replace(/^\//, ''))
    .replaceAll('#{query}', request.query);
  const filledQuery = fill(query);
  return `${fill(location)}${filledQuery && `?${filledQuery}`}`;
}

function isMet(condition: Condition, request: RuleRequest): boolean {
  switch (condition.field) {
    case 'path-pattern': return condition.values.some((value) => matchesWildcards(value, request.path));
    case 'route': return condition.expression.test(request.path);
    case 'host-header': return condition.values.some((value) => matchesWildcards(value, request.host, true));
    case 'http-request-method': return condition.values.includes(request.method);
    // All requests come from this machine.
    case 'source-ip':
      return condition.values.some((value) => value === '0.0.0.0/0' || value.startsWith(`${request.sourceIp}/`));
    case 'http-header': {
      const headers = [request.headers[condition.name.toLowerCase()] ?? []].flat();
      return condition.values.some((value) => headers.some((header) => matchesWildcards(value, header, true)));
    }
    case 'query-string': {
      const parameters = [...new URLSearchParams(request.query)];
      return condition.values.some(({ Key, Value }) => parameters.some(([key, value]) =>
        (Key === undefined || matchesWildcards(Key, key, true)) && matchesWildcards(Value, value, true)));
    }
  }
}
