from aws_cdk import App

from shop.hello_stack import HelloStack
from shop.shop_stack import ShopStack

app = App()
HelloStack(app, "Hello")
ShopStack(app, "Shop")
app.synth()
