import Testing
import WatcherTestSupport

@testable import Compose

@Suite struct BuildContextTests {
    private func context(_ build: String, _ files: [String: String], image: String = "") throws -> BuildContext {
        let yaml = "services:\n  web:\n    build: \(build)\n\(image)"
        let tree = Dictionary(uniqueKeysWithValues: files.map { ("/checkout/\($0.key)", $0.value) })
        let project = try FileTree.project(yaml, files: tree)
        let service = try #require(project.services["web"])
        let image = try #require(ImageBuild(of: service, in: project))
        return try BuildContext(of: image, files: FileTree(tree).access)
    }

    private func paths(_ context: BuildContext) -> [String] { context.items.map(\.path) }

    private func text(_ context: BuildContext, _ path: String) throws -> String {
        let item = try #require(context.items.first { $0.path == path })
        return String(decoding: try item.content(), as: UTF8.self)
    }

    @Test func `the context is the directory without what is ignored`() throws {
        let context = try context(
            "{context: app}",
            [
                "app/Dockerfile": "FROM busybox:1", "app/.dockerignore": "logs\n*.tmp\n!keep.tmp\n!logs/deep/keep",
                "app/a.tmp": "", "app/keep.tmp": "", "app/logs/x": "", "app/logs/deep/keep": "", "app/src/m.c": "",
                "other": "",
            ])
        #expect(
            paths(context) == [
                ".dockerignore", "Dockerfile", "keep.tmp", "logs", "logs/deep", "logs/deep/keep", "src", "src/m.c",
            ])
        #expect(context.dockerfile == "Dockerfile")
    }

    @Test func `the Dockerfile's own ignore file goes before the context's`() throws {
        let context = try context(
            "{context: ., dockerfile: docker/prod}",
            [
                "docker/prod": "FROM busybox:1", "docker/prod.dockerignore": "a", ".dockerignore": "b", "a": "",
                "b": "",
                "compose.yaml": "",
            ])
        #expect(paths(context).contains("b") && !paths(context).contains("a"))
        #expect(context.dockerfile == "docker/prod")
    }

    @Test(arguments: [
        ("{context: app, dockerfile: ../Dockerfile}", ["Dockerfile": "FROM x", "app/f": ""], [".dockerignore", "f"]),
        (#"{context: app, dockerfile_inline: "FROM x"}"#, ["app/f": ""], [".dockerignore", "f"]),
        (
            "{context: app}", ["app/Dockerfile": "FROM x", "app/.dockerignore": "Dockerfile", "app/f": ""],
            [".dockerignore", "f"]
        ),
    ])
    func `a Dockerfile that is not in the context goes along under a name that is removed`(
        _ build: String, _ files: [String: String], _ others: [String]
    ) throws {
        let context = try context(build, files)
        #expect(context.dockerfile.hasPrefix(".dockerfile."))
        #expect(Set(paths(context)) == Set([context.dockerfile] + others))
        #expect(try text(context, context.dockerfile) == "FROM x")
        #expect(try text(context, ".dockerignore").contains("\n\(context.dockerfile)\n"))
    }

    @Test func `the fingerprint changes with what goes into the image and with nothing else`() throws {
        let files = ["app/Dockerfile": "FROM x", "app/f": "1", "app/.dockerignore": "ignored", "app/ignored": "1"]
        func fingerprint(_ build: String = "{context: app}", _ change: [String: String] = [:]) throws
            -> BuildFingerprint
        {
            try context(build, files.merging(change) { $1 }).fingerprint
        }
        let first = try fingerprint()
        #expect(try fingerprint("{context: app}", ["app/ignored": "2", "elsewhere": "x"]) == first)
        #expect(
            try fingerprint("{context: app}", ["app/f": "2"]).changes(since: first) == ["its build context changed"])
        for build in [
            "{context: app, args: {A: b}}", "{context: app, target: t}", "{context: app, labels: {a: b}}",
            "{context: app, network: host}", "{context: app, extra_hosts: ['a:1.2.3.4']}",
        ] {
            #expect(try fingerprint(build).changes(since: first) == ["its build or Dockerfile changed"], "\(build)")
        }
        #expect(try fingerprint("{context: app, no_cache: true, cache_from: [i]}") == first)
        #expect(BuildFingerprint(first.description) == first)
        #expect(BuildFingerprint("x.y") == nil)
    }

    @Test(arguments: [
        ("{context: missing}", "services.web.build.context", "is not in the commit"),
        ("{context: app, dockerfile: No}", "services.web.build.dockerfile", "there is no file /checkout/app/No"),
        ("{context: bad}", "services.web.build", "/checkout/bad/.dockerignore: line 1: \"[\" is no pattern"),
    ])
    func `what is missing is named with its place in the model`(
        _ build: String, _ path: String, _ words: String
    ) throws {
        let files = ["app/Dockerfile": "FROM x", "bad/Dockerfile": "FROM x", "bad/.dockerignore": "["]
        let error = try #require(throws: ComposeError.self) { _ = try context(build, files) }
        #expect(error.problems.map(\.path) == [path] && error.description.contains(words), "\(error)")
    }

    @Test func `what docker compose puts on an image that it builds is put there`() throws {
        let project = try FileTree.project(
            "services:\n  web:\n    build: {context: ., args: {A: x, B: }, labels: {mine: y}, platforms: [linux/amd64]}\n"
        )
        let service = try #require(project.services["web"])
        let image = try #require(ImageBuild(of: service, in: project))
        #expect(image.image == "shop-web" && image.args == ["A": "x"] && image.platform == "linux/amd64")
        #expect(
            image.labels == [
                "mine": "y", "com.docker.compose.project": "shop", "com.docker.compose.service": "web",
                "com.docker.compose.version": "2.40.3", "com.docker.compose.image.builder": "classic",
            ])
    }

    @Test(arguments: [
        ("linux/amd64", "amd64", true), ("linux/amd64", "linux", true), ("linux/amd64", "linux/x86_64", true),
        ("linux/arm64", "linux/arm64/v8", true), ("linux/arm/v6", "linux/arm", false),
        ("linux/arm/v7", "linux/arm", true),
        ("linux/amd64", "linux/arm64", false), ("windows/amd64", "linux", false),
    ])
    func `a platform is the one asked for in any spelling`(_ has: String, _ wanted: String, _ isSame: Bool) {
        #expect(ImagePlatform(has).satisfies(ImagePlatform(wanted)) == isSame)
    }

    @Test(
        arguments: [
            (nil, .missing), ("if_not_present", .missing), ("always", .always), ("never", .never), ("build", .build),
            ("daily", .every(.seconds(86400))), ("weekly", .every(.seconds(604_800))),
            ("every_1w2d3h", .every(.seconds(604_800 + 2 * 86400 + 3 * 3600))), ("every_90s", .every(.seconds(90))),
            ("every_0s", nil), ("refresh", nil), ("sometimes", nil),
        ] as [(String?, PullPolicy?)])
    func `a pull policy is read as docker compose reads it`(_ text: String?, _ policy: PullPolicy?) {
        var service = Service(name: "web")
        service.pullPolicy = text
        #expect(service.effectivePullPolicy == policy)
    }
}
