import Testing
import YAML

@testable import Compose

struct ExtendsTests {
    private let shared = """
        services:
          base:
            image: b
            build: ./ctx
            volumes: ["./v:/v"]
            env_file: e.env
            environment: {A: 1}
            ports: ["80:80"]
          more: {extends: base, environment: {B: 2}}
          loop: {extends: {service: loop, file: shared.yml}}
        """

    private func files(_ web: String) -> MemoryFiles {
        MemoryFiles([
            "compose.yaml": "services:\n  web: \(web)\n  plain: {image: p, tty: true}\n", "sub/shared.yml": shared,
            "empty.yml": "volumes: {}\n",
        ])
    }

    @Test func `A service inherits from one of its file`() throws {
        let tree = try files("{extends: plain, user: u}").tree()
        #expect(
            tree.root.descendant("services", "web")?.flow.hasPrefix("{image: \"p\", tty: true, user: \"u\"") == true)
    }

    @Test func `Paths of another file are relative to it, through chains too`() throws {
        let tree = try files("{extends: {service: more, file: sub/shared.yml}, environment: [C=3]}").tree()
        #expect(tree.web("build") == "{context: \"/p/sub/ctx\", dockerfile: \"Dockerfile\"}")
        #expect(tree.web("volumes").contains("source: \"/p/sub/v\""))
        #expect(tree.web("env_file") == "[{path: \"/p/sub/e.env\", required: true}]")
        #expect(tree.web("environment") == "[\"A=1\", \"B=2\", \"C=3\"]")
        #expect(tree.root.descendant("services", "web", "ports")?.location.description == "/p/sub/shared.yml:8:12")
    }

    @Test func `Tags act on what is inherited`() throws {
        let tree = try files(
            "{extends: {service: base, file: sub/shared.yml}, ports: !reset [], environment: !override {Z: 1}}"
        ).tree()
        #expect(tree.web("ports") == "")
        #expect(tree.web("environment") == "{Z: 1}")
    }

    @Test(arguments: [
        ("{extends: nobody}", "2:18: services.web.extends: there is no service \"nobody\" in /p/compose.yaml"),
        (
            "{extends: {service: x, file: sub/shared.yml}}",
            "2:28: services.web.extends: there is no service \"x\" in /p/sub/shared.yml"
        ),
        ("{extends: {service: x, file: none.yml}}", "2:37: /p/none.yml does not exist"),
        (
            "{extends: {service: x, file: empty.yml}}",
            "2:37: services.web.extends.file: /p/empty.yml has no services"
        ),
        (
            "{extends: {file: sub/shared.yml}}",
            "2:18: services.web.extends: the key \"service\" is missing or not a string"
        ),
        (
            "{extends: web, image: x}",
            "2:18: services.web.extends: services extend each other: web in /p/compose.yaml -> web in /p/compose.yaml"
        ),
        (
            "{extends: {service: x, file: https://e.org/c.yml}}",
            "2:37: services.web.extends.file: \"https://e.org/c.yml\" is remote; only files of the repository can be "
                + "used, so vendor it"
        ),
    ])
    func `What cannot be extended is told with its place`(web: String, problem: String) {
        #expect(files(web).problems() == "/p/compose.yaml:" + problem)
    }

    @Test func `A cycle in another file is found`() {
        #expect(
            files("{extends: {service: loop, file: sub/shared.yml}}").problems()
                == "/p/sub/shared.yml:10:19: services.loop.extends: services extend each other: "
                + "loop in /p/sub/shared.yml -> loop in /p/sub/shared.yml")
    }
}

struct IncludeTests {
    private static let part = """
        services:
          db: {image: "db:$TAG", build: ., volumes: ["data:/d", "./x:/x"], secrets: [s]}
        volumes: {data: }
        secrets: {s: {environment: PASSWORD}}
        """

    private func files(_ main: String) -> MemoryFiles {
        MemoryFiles([
            "compose.yaml": main, "sub/part.yml": Self.part, "sub/.env": "TAG=sub\nPASSWORD=p\n",
            "sub/over.yml": "services: {db: {tty: true}}\n", "own.env": "TAG=own\n", "other/keep": "",
            "loop.yml": "include: [again.yml]\n", "again.yml": "include: [loop.yml]\n",
        ])
    }

    @Test func `An included file is a project of its own: directory, env file, names`() throws {
        let tree = try files("include: [sub/part.yml]\nservices: {web: {image: x}}\n").tree()
        let db = try #require(tree.root.descendant("services", "db"))
        #expect(db["image"]?.string == "db:sub")
        #expect(db.descendant("build", "context")?.string == "/p/sub")
        #expect(db["volumes"]?.flow.contains("source: \"/p/sub/x\"") == true)
        #expect(tree.root.descendant("secrets", "s", "content")?.string == "p")
        #expect(tree.root.descendant("volumes", "data", "name")?.string == "p_data")
        #expect(tree.root["include"] == nil)
    }

    @Test func `Directory, env files and further files can be given, the parent's variables win`() throws {
        let main = """
            include:
              - path: [sub/part.yml, sub/over.yml]
                project_directory: other
                env_file: own.env
            """
        let tree = try files(main).tree { $0.environment = ["PASSWORD": "parent"] }
        let db = try #require(tree.root.descendant("services", "db"))
        #expect(db["image"]?.string == "db:own")
        #expect(db["tty"]?.bool == true)
        #expect(db.descendant("build", "context")?.string == "/p/other")
        #expect(tree.root.descendant("secrets", "s", "content")?.string == "parent")
    }

    @Test func `A later file may change what an earlier one includes`() throws {
        var files = files("include: [sub/part.yml]\n")
        files.files["/p/b.yaml"] = "services: {db: {image: z}}\n"
        let tree = try files.tree { $0.files = ["compose.yaml", "b.yaml"] }
        #expect(tree.root.descendant("services", "db", "image")?.string == "z")
    }

    @Test(arguments: [
        (
            "include: [sub/part.yml]\nservices: {db: {image: x}}",
            "compose.yaml:2:12: services.db: conflicts with the one included from /p/sub/part.yml:2:3"
        ),
        ("include: [none.yml]", "compose.yaml:1:11: /p/none.yml does not exist"),
        ("include: none.yml", "compose.yaml:1:10: include: expected a list, got a string"),
        (
            "include: [{path: a, env_fil: b}]",
            "compose.yaml:1:21: include[0]: unknown key \"env_fil\"; did you mean \"env_file\"?"
        ),
        (
            "include: [loop.yml]",
            "again.yml:1:11: include[0]: files include each other: /p/loop.yml -> /p/again.yml -> /p/loop.yml"
        ),
        (
            "include: [\"oci://e.org/x\"]",
            "compose.yaml:1:11: include[0]: \"oci://e.org/x\" is remote; only files of the repository can be used, so "
                + "vendor it"
        ),
        ("include: [{path: sub/part.yml, env_file: none.env}]", "compose.yaml:1:42: /p/none.env does not exist"),
    ])
    func `What cannot be included is told with its place`(main: String, problem: String) {
        #expect(files(main).problems() == "/p/" + problem)
    }

    @Test func `Files that include each other without end or number are stopped`() {
        var files: [String: String] = ["compose.yaml": "include: [f0.yml]\n"]
        for level in 0..<20 { files["f\(level).yml"] = "include: [f\(level + 1).yml, f\(level + 1).yml]\n" }
        files["f20.yml"] = "services: {web: {image: x}}\n"
        #expect(MemoryFiles(files).problems().contains("the project consists of more than 1000 files"))
    }
}
