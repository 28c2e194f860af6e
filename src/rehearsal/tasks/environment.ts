import { ContainerSpec } from '../model';

export type Environment = Readonly<Record<string, string>>;

/** Environment of a container: what Fargate adds, then the variables of the task definition. */
export function containerEnvironment(region: string, container: ContainerSpec): Environment {
  return {
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    // A Fargate task has no instance metadata. This machine may have it, with credentials that are not the app's.
    AWS_EC2_METADATA_DISABLED: 'true',
    ...container.environment,
  };
}
