// swift-tools-version: 6.1
// The modules and what each may import; ARCHITECTURE.md explains them, scripts/check-layers enforces them.
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "watcher",
    products: [.executable(name: "watcher", targets: ["watcher"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.36.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CLibGit2", providers: [.apt(["libgit2-dev"])]),
        .target(name: "CLinux"),
        .target(
            name: "CLibGit2Startup", cSettings: [.define("LIBGIT2_IS_STATIC", .when(configuration: .release))]),
        .target(name: "YAML", dependencies: ["CLibYAML"], swiftSettings: settings),
        .target(
            name: "Compose",
            dependencies: ["YAML", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(name: "Reconcile", dependencies: ["Compose"], swiftSettings: settings),
        .target(name: "Deploy", dependencies: ["Reconcile", "Compose"], swiftSettings: settings),
        .target(
            name: "Trust",
            dependencies: ["Deploy", "Reconcile", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "Git",
            dependencies: [
                "Deploy", "Compose", "Trust", "CLibGit2", "CLibGit2Startup",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings),
        .target(
            name: "DockerEngine",
            dependencies: [
                "Deploy", "Reconcile", "Compose", "Trust", "CLinux",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings),
        .target(
            name: "Store",
            dependencies: ["Deploy", "Reconcile", "Compose", "Trust", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),
        .executableTarget(
            name: "watcher",
            dependencies: [
                "YAML", "Compose", "Reconcile", "Deploy", "Git", "DockerEngine", "Store", "Trust", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings,
            // Where `make release` puts the static libraries, so that no start has to load shared ones.
            linkerSettings: [.unsafeFlags(["-L.build/static"], .when(configuration: .release))]),
        .target(
            name: "WatcherTestSupport",
            dependencies: [
                "Deploy", "Compose", "Reconcile", .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "Tests/WatcherTestSupport", swiftSettings: settings),
    ]
        + [
            ("YAML", ["YAML"]), ("Compose", ["Compose", "YAML"]), ("Reconcile", ["Reconcile", "Compose"]),
            ("Deploy", ["Deploy", "Reconcile", "Compose"]), ("Trust", ["Trust", "Deploy", "Reconcile"]),
            ("Git", ["Git", "Deploy", "Compose"]),
            ("DockerEngine", ["DockerEngine", "Deploy", "Reconcile", "Compose", "Trust"]),
            ("Store", ["Store", "Deploy", "Reconcile", "Compose"]),
            ("watcher", ["watcher", "YAML", "Compose", "Reconcile", "Deploy"]), ("Integration", []),
        ].map { name, dependencies in
            .testTarget(
                name: "\(name)Tests",
                dependencies: ["WatcherTestSupport"] + dependencies.map { .target(name: $0) },
                exclude: name == "Store" ? ["Fixtures"] : name == "watcher" ? ["Screens"] : [], swiftSettings: settings)
        }
)
