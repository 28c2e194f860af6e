import * as path from 'node:path';
import { Duration, Names, Stack, StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { Egress, HelloFargateService, ServiceImage } from 'hello-fargate-service';
import { Migration } from './migration';

export interface NotesStackProps extends StackProps {
  /** @default true */
  readonly deletionProtection?: boolean;
}

const DATABASE_NAME = 'notes';

/** A service with a PostgreSQL database and a Valkey cache, which only its tasks can reach. */
export class NotesStack extends Stack {
  public readonly url: string;

  constructor(scope: Construct, id: string, { deletionProtection = true, ...props }: NotesStackProps = {}) {
    super(scope, id, props);

    const notes = new HelloFargateService(this, 'Notes', {
      image: ServiceImage.fromDirectory(path.join(__dirname, '..', 'app')),
      egress: Egress.natGateway(),
    });

    this.url = notes.url;

    const vpcSubnets = { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
    const database = new rds.DatabaseCluster(this, 'Database', {
      engine: rds.DatabaseClusterEngine.auroraPostgres({ version: rds.AuroraPostgresEngineVersion.VER_17_4 }),
      writer: rds.ClusterInstance.serverlessV2('Writer'),
      serverlessV2MinCapacity: 0.5,
      serverlessV2MaxCapacity: 4,
      defaultDatabaseName: DATABASE_NAME,
      storageEncrypted: true,
      deletionProtection,
      backup: { retention: Duration.days(14) },
      vpc: notes.vpc,
      vpcSubnets,
    });
    database.addRotationSingleUser({ automaticallyAfter: Duration.days(30) });
    // The app reads the password whenever it opens a connection, because ECS passes secrets only when a task starts:
    // after a rotation, the old password is refused. The names are those of PostgreSQL's own clients.
    database.secret!.grantRead(notes);
    notes.connectTo(database, {
      environment: {
        PGHOST: database.clusterEndpoint.hostname,
        PGDATABASE: DATABASE_NAME,
        PGUSER: 'postgres',
        PGSSLMODE: 'verify-full',
        DATABASE_SECRET_ARN: database.secret!.secretArn,
      },
    });

    const cacheSecurityGroup = new ec2.SecurityGroup(this, 'CacheSecurityGroup', {
      vpc: notes.vpc,
      allowAllOutbound: false,
    });
    const cache = new elasticache.CfnServerlessCache(this, 'Cache', {
      serverlessCacheName: Names.uniqueResourceName(this, { maxLength: 40, separator: '-' }).toLowerCase(),
      engine: 'valkey',
      majorEngineVersion: '8',
      cacheUsageLimits: { dataStorage: { maximum: 1, unit: 'GB' } },
      securityGroupIds: [cacheSecurityGroup.securityGroupId],
      subnetIds: notes.vpc.selectSubnets(vpcSubnets).subnetIds,
    });
    notes.connectTo(new ec2.Connections({ securityGroups: [cacheSecurityGroup], defaultPort: ec2.Port.tcp(6379) }), {
      // ElastiCache Serverless requires TLS.
      environment: { CACHE_URL: `rediss://${cache.attrEndpointAddress}:${cache.attrEndpointPort}` },
    });

    const migration = new Migration(this, 'Migration', { service: notes, command: ['node', 'migrate.js'], vpcSubnets });
    migration.node.addDependency(database);
  }
}
