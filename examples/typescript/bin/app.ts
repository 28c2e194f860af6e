import { App } from 'aws-cdk-lib';
import { HelloStack } from '../lib/hello-stack';
import { ShopStack } from '../lib/shop-stack';

const app = new App();
new HelloStack(app, 'Hello');
new ShopStack(app, 'Shop');
