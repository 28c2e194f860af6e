import { CannotRun } from '../cannot-run';
import { Action, Condition, RuleRequest } from '../model';

/*
 * Which action a listener takes for a request. Follows
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html and
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
 */

interface Decisive {
  readonly rules: ReadonlyArray<{ readonly conditions: readonly Condition[]; readonly action: Action }>;
  readonly defaultAction: Action;
}

/** The action of the first rule whose conditions all hold, else the default action. */
export function decide(listener: Decisive, request: RuleRequest): Action {
  return listener.rules.find(({ conditions }) => conditions.every((condition) => holds(condition, request)))?.action ?? listener.defaultAction;
}

function holds(condition: Condition, request: RuleRequest): boolean {
  switch (condition.field) {
    case 'path-pattern': return condition.values.some((value) => matches(value, request.path));
    case 'route': return condition.expression.test(request.path);
    case 'host-header': return condition.values.some((value) => matches(value, request.host, 'i'));
    case 'http-request-method': return condition.values.includes(request.method);
    // The stand-in is reached from this machine only.
    case 'source-ip': return condition.values.some((value) => value === '0.0.0.0/0' || value.startsWith(`${request.sourceIp}/`));
    case 'http-header': {
      const given = [request.headers[condition.name.toLowerCase()] ?? []].flat();
      return condition.values.some((value) => given.some((header) => matches(value, header, 'i')));
    }
    case 'query-string': {
      const given = [...new URLSearchParams(request.query)];
      return condition.values.some(({ Key, Value }) =>
        given.some(([key, value]) => (Key === undefined || matches(Key, key, 'i')) && matches(Value, value, 'i')));
    }
  }
}

/** `*` stands for any characters, `?` for exactly one. */
function matches(pattern: string, text: string, flags = ''): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${expression}$`, `s${flags}`).test(text);
}

export function readConditions(conditions: readonly any[]): Condition[] {
  return conditions.map((condition): Condition => {
    switch (condition.Field) {
      case 'path-pattern':
      case 'host-header': {
        const values = (condition.PathPatternConfig ?? condition.HostHeaderConfig)?.Values ?? condition.Values;
        if (values) { return { field: condition.Field, values }; }
        break;
      }
      case 'http-request-method': return { field: condition.Field, values: condition.HttpRequestMethodConfig.Values };
      case 'source-ip': return { field: condition.Field, values: condition.SourceIpConfig.Values };
      case 'query-string': return { field: condition.Field, values: condition.QueryStringConfig.Values };
      case 'http-header':
        if (condition.HttpHeaderConfig.Values) {
          return { field: condition.Field, name: condition.HttpHeaderConfig.HttpHeaderName, values: condition.HttpHeaderConfig.Values };
        }
        break;
    }
    throw new CannotRun(`the stand-in for the load balancer does not know this condition of a listener rule: ${JSON.stringify(condition)}`);
  });
}

/** The action that answers. Those before it, which authenticate, cannot be rehearsed. */
export function readAction(actions: readonly any[], resolve: (value: unknown) => any, targetGroupKey: (arn: unknown) => string): Action {
  const raw = [...actions].sort((one, other) => (one.Order ?? 0) - (other.Order ?? 0)).at(-1);
  const action = resolve(raw) ?? {};
  switch (action.Type) {
    case 'forward': {
      const groups: any[] = raw.ForwardConfig?.TargetGroups ?? [{ TargetGroupArn: raw.TargetGroupArn }];
      return {
        type: 'forward',
        targetGroups: groups.map((group) => ({ key: targetGroupKey(group.TargetGroupArn), weight: Number(resolve(group.Weight) ?? 1) })),
      };
    }
    case 'redirect':
      return {
        type: 'redirect',
        statusCode: action.RedirectConfig.StatusCode === 'HTTP_302' ? 302 : 301,
        location: (request) => redirect(action.RedirectConfig, request),
      };
    case 'fixed-response':
      return {
        type: 'fixed-response',
        statusCode: Number(action.FixedResponseConfig.StatusCode),
        contentType: action.FixedResponseConfig.ContentType ?? 'text/plain',
        body: action.FixedResponseConfig.MessageBody ?? '',
      };
    default:
      throw new CannotRun(`the stand-in for the load balancer does not know this action of a listener: ${JSON.stringify(action)}`);
  }
}

function redirect(config: any, request: RuleRequest): string {
  const fill = (text: string) => text
    .replaceAll('#{protocol}', request.protocol)
    .replaceAll('#{host}', request.host)
    .replaceAll('#{port}', String(request.port))
    .replaceAll('#{path}', request.path.replace(/^\//, ''))
    .replaceAll('#{query}', request.query);
  const protocol = fill(config.Protocol ?? '#{protocol}').toLowerCase();
  const port = fill(String(config.Port ?? '#{port}'));
  const query = fill(config.Query ?? '#{query}');
  return `${protocol}://${fill(config.Host ?? '#{host}')}:${port}${fill(config.Path ?? '/#{path}')}${query && `?${query}`}`;
}
