import Testing
import YAML

@testable import Compose

struct ProjectSourcesTests {
    private let service = "services: {web: {image: \"x$TAG\"}}\n"

    @Test func `The first default name is found, with its override, from directories above`() throws {
        let files = MemoryFiles([
            "compose.yml": service, "docker-compose.yml": service, "compose.override.yaml": service, "a/b/keep": "",
        ])
        let tree = try files.tree { $0.workingDirectory = "/p/a/b" }
        #expect(tree.configFiles == ["/p/compose.yml", "/p/compose.override.yaml"])
        #expect(tree.workingDirectory == "/p")
        #expect(tree.warnings.first?.message.contains("found several Compose files, using /p/compose.yml") == true)
        #expect(
            files.problems { ($0.workingDirectory, $0.searchesParents) = ("/p/a/b", false) }.hasPrefix(
                "no Compose file in /p/a/b; looked for compose.yaml"))
    }

    @Test func `Explicit files need no override and set the project directory`() throws {
        let files = MemoryFiles(["s/one.yml": service, "two.yml": service, "compose.override.yml": service])
        let tree = try files.tree { $0.files = ["s/one.yml", "two.yml"] }
        #expect(tree.configFiles == ["/p/s/one.yml", "/p/two.yml"])
        #expect(tree.workingDirectory == "/p/s")
        #expect(tree.name == "s")
        let elsewhere = try files.tree { ($0.files, $0.projectDirectory) = (["s/one.yml"], ".") }
        #expect(elsewhere.workingDirectory == "/p")
    }

    @Test func `Standard input is a file`() throws {
        let tree = try MemoryFiles([:]).tree {
            $0.files = ["-"]
            $0.standardInput = Array("services: {web: {image: x}}".utf8)
        }
        #expect(tree.configFiles == ["-"])
        #expect(tree.workingDirectory == "/p")
        #expect(
            MemoryFiles([:]).problems { ($0.files, $0.standardInput) = (["-"], Array("a: [".utf8)) }
                .hasPrefix("-:2:1: "))
    }

    @Test func `The environment beats env files, and of those the later one beats the earlier`() throws {
        let files = MemoryFiles([
            "compose.yaml": "services: {web: {image: \"$A $B $C\"}}\n", ".env": "A=env\nB=env\nC=env\n",
            "one.env": "A=1\nB=1\nC=1\n", "two.env": "B=2\nC=$A$B\n",
        ])
        #expect(try files.tree { $0.environment = ["A": "own"] }.web("image") == "\"own env env\"")
        let tree = try files.tree { $0.envFiles = ["one.env", "two.env"] }
        #expect(tree.web("image") == "\"1 2 12\"")
        #expect(tree.environmentFiles == ["/p/one.env", "/p/two.env"])
        #expect(files.problems { $0.envFiles = ["none.env"] } == "/p/none.env does not exist")
    }

    @Test func `Compose's own variables are honoured, from the env file too, unless told otherwise`() throws {
        let files = MemoryFiles([
            "compose.yaml": service, "x.yml": service, "y.yml": service,
            ".env": "COMPOSE_FILE=x.yml;y.yml\nCOMPOSE_PATH_SEPARATOR=;\nCOMPOSE_PROJECT_NAME=fromenv\n"
                + "COMPOSE_PROFILES= a, b\n",
        ])
        let tree = try files.tree()
        #expect(tree.configFiles == ["/p/x.yml", "/p/y.yml"])
        #expect(tree.name == "fromenv")
        #expect(tree.profiles == ["a", "b"])
        let plain = try files.tree { $0.honoursComposeVariables = false }
        #expect(plain.configFiles == ["/p/compose.yaml"])
        #expect(plain.name == "p")
        #expect(plain.profiles.isEmpty)
        #expect(try files.tree { $0.environment = ["COMPOSE_DISABLE_ENV_FILE": "1"] }.name == "p")
    }

    @Test func `The name is given, declared or the directory's, and can be used in the files`() throws {
        let files = MemoryFiles(["compose.yaml": "name: My $X\nservices: {web: {image: $COMPOSE_PROJECT_NAME}}\n"])
        #expect(try files.tree { $0.environment = ["X": "App!"] }.web("image") == "\"myapp\"")
        #expect(try files.tree { $0.projectName = "given" }.web("image") == "\"given\"")
        #expect(files.problems { $0.projectName = "Given" }.hasPrefix("invalid project name \"Given\""))
        #expect(
            problems("name: $UNSET\nservices: {web: {image: x}}\n")
                == "/p/compose.yaml:1:7: name: the project name must not be empty")
    }

    @Test func `Nothing to load is an error`() {
        #expect(problems("# nothing\n") == "/p/compose.yaml:1:1: the Compose file is empty")
        #expect(MemoryFiles([:]).problems { $0.files = ["no.yml"] } == "/p/no.yml does not exist")
    }
}
