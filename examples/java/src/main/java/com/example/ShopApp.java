package com.example;

import software.amazon.awscdk.App;

public final class ShopApp {
    private ShopApp() {
    }

    public static void main(final String[] args) {
        App app = new App();
        new HelloStack(app, "Hello");
        new ShopStack(app, "Shop");
        app.synth();
    }
}
