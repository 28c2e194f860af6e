import { Stack } from './assembly';
import { keyOf, Resolver } from './intrinsics';
import { number, Properties, record, records, text, texts } from './values';
import { CannotRun } from '../cannot-run';
import { Action, Condition, ResourceKey } from '../model';

/*
 * Reads the conditions and actions of listeners and their rules.
 */

/** @param conditions with their intrinsic functions resolved */
export function readConditions(conditions: unknown): Condition[] {
  return records(conditions).map((condition) => {
    const read = readCondition(condition);
    if (!read) {
      throw new CannotRun('the load balancer emulator does not support this condition of a listener rule:'
        + ` ${JSON.stringify(condition)}`);
    }
    return read;
  });
}

/** @returns undefined for a condition that the emulator does not support */
function readCondition(condition: Properties): Condition | undefined {
  const field = condition.Field;
  switch (field) {
    case 'path-pattern':
    case 'host-header': {
      const config = condition.PathPatternConfig ?? condition.HostHeaderConfig;
      const values = texts(record(config).Values ?? condition.Values);
      return values && { field, values };
    }
    case 'http-request-method':
      return { field, values: texts(record(condition.HttpRequestMethodConfig).Values) ?? [] };
    case 'source-ip':
      return { field, values: texts(record(condition.SourceIpConfig).Values) ?? [] };
    case 'query-string': {
      const values = records(record(condition.QueryStringConfig).Values);
      return { field, values: values.map(({ Key, Value }) => ({ Key: text(Key), Value: text(Value, '') })) };
    }
    case 'http-header': {
      const { HttpHeaderName, Values } = record(condition.HttpHeaderConfig);
      const values = texts(Values);
      return values && { field, name: text(HttpHeaderName, ''), values };
    }
    default:
      return undefined;
  }
}

/** The last action, which sends the response. The ones before it authenticate users and are left out. */
export function readAction(actions: unknown, resolver: Resolver, stack: Stack): Action {
  const raw = records(actions).sort((one, other) => number(one.Order, 0) - number(other.Order, 0)).at(-1) ?? {};
  const action = record(resolver.resolve(stack, raw));
  switch (action.Type) {
    case 'forward': {
      const groups = record(raw.ForwardConfig).TargetGroups ?? [{ TargetGroupArn: raw.TargetGroupArn }];
      return {
        type: 'forward',
        targetGroups: records(groups).map((group) => ({
          key: targetGroupKey(resolver, stack, group.TargetGroupArn),
          weight: number(resolver.resolve(stack, group.Weight), 1),
        })),
      };
    }
    case 'redirect': {
      const config = record(action.RedirectConfig);
      const protocol = text(config.Protocol, '#{protocol}').toLowerCase();
      const host = text(config.Host, '#{host}');
      const port = text(config.Port, '#{port}');
      return {
        type: 'redirect',
        statusCode: config.StatusCode === 'HTTP_302' ? 302 : 301,
        location: `${protocol}://${host}:${port}${text(config.Path, '/#{path}')}`,
        query: text(config.Query, '#{query}'),
      };
    }
    case 'fixed-response': {
      const config = record(action.FixedResponseConfig);
      return {
        type: 'fixed-response',
        statusCode: Number(config.StatusCode),
        contentType: text(config.ContentType, 'text/plain'),
        body: text(config.MessageBody, ''),
      };
    }
    default:
      throw new CannotRun('the load balancer emulator does not support this action of a listener:'
        + ` ${JSON.stringify(action)}`);
  }
}

function targetGroupKey(resolver: Resolver, stack: Stack, arn: unknown): ResourceKey {
  const reference = resolver.reference(stack, arn);
  return reference ? keyOf(reference) : String(arn);
}
