import Testing

@testable import Compose

struct EnvironmentResolutionTests {
    private func load(_ files: [String: String], environment: [String: String] = [:]) throws -> Project {
        let files = MemoryFiles(files)
        var request = ProjectLoader.Request(workingDirectory: "/p")
        request.environment = environment
        let project = try ProjectLoader(files: files.access).load(request).project
        return try project.resolvingEnvironment(files: files.access)
    }

    private func refusal(_ files: [String: String]) -> String {
        do {
            _ = try load(files)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `environment wins over env files, of which later ones win`() throws {
        let project = try load(
            [
                "compose.yaml": """
                services:
                  a:
                    image: i
                    environment: {A: own, UNSET: , SET: }
                    env_file: [one.env, two.env]
                """,
                "one.env": "A=one\nB=one\nC=one\nFROM_PROJECT=${SET}\nFROM_OWN=${A}\n",
                "two.env": "C=two\nD=${B}\n",
            ], environment: ["SET": "project"])
        #expect(
            project.services["a"]?.environment == [
                "A": "own", "UNSET": nil, "SET": "project", "B": "one", "C": "two", "D": "one",
                "FROM_PROJECT": "project", "FROM_OWN": "own",
            ])
    }

    @Test func `a raw env file is taken literally`() throws {
        let project = try load([
            "compose.yaml": "services: {a: {image: i, env_file: [{path: raw.env, format: raw}]}}",
            "raw.env": "# comment\nA=\"$B\" # no comment\n",
        ])
        #expect(project.services["a"]?.environment == ["A": "\"$B\" # no comment"])
    }

    @Test func `label files are folded in when the project is loaded, below explicit labels`() throws {
        let project = try load([
            "compose.yaml": "services: {a: {image: i, labels: {A: own}, label_file: [l.env]}}",
            "l.env": "A=file\nB=file\n",
        ])
        #expect(project.services["a"]?.labels == ["A": "own", "B": "file"])
        #expect(project.services["a"]?.labelFiles == ["/p/l.env"])
    }

    @Test func `resolving twice changes nothing`() throws {
        let files = MemoryFiles([
            "compose.yaml": "services: {a: {image: i, environment: {A: own}, env_file: one.env}}",
            "one.env": "A=one\nB=one\n",
        ])
        let request = ProjectLoader.Request(workingDirectory: "/p")
        let loaded = try ProjectLoader(files: files.access).load(request).project
        let once = try loaded.resolvingEnvironment(files: files.access)
        #expect(try once.resolvingEnvironment(files: files.access) == once)
        #expect(loaded.services["a"]?.environment == ["A": "own"])
    }

    @Test func `a missing env file is refused where it is named, unless it may be missing`() {
        let missing = "services:\n  a:\n    image: i\n    env_file:\n      - path: none.env\n        required: "
        #expect(refusal(["compose.yaml": missing + "false\n"]) == "")
        #expect(
            refusal(["compose.yaml": missing + "true\n"])
                == "/p/compose.yaml:5:9: services.a.env_file[0]: /p/none.env does not exist")
    }

    @Test func `an unknown format of an env file is refused`() {
        let text = "services: {a: {image: i, env_file: [{path: a.env, format: json}]}}"
        #expect(refusal(["compose.yaml": text, "a.env": ""]).contains("is no known format of an env file"))
    }

    @Test func `the hash of the label folds env files in, that of config names them`() throws {
        let files = MemoryFiles([
            "compose.yaml": "services: {a: {image: i, env_file: one.env}, b: {image: i, environment: {A: one}}}",
            "one.env": "A=one",
        ])
        let loaded = try ProjectLoader(files: files.access).load(.init(workingDirectory: "/p")).project
        let resolved = try loaded.resolvingEnvironment(files: files.access)
        let (a, b) = (try #require(resolved.services["a"]), try #require(resolved.services["b"]))
        #expect(ConfigHash.label(of: a) == ConfigHash.label(of: b))
        #expect(try ConfigHash.ofService(#require(loaded.services["a"])) != ConfigHash.label(of: a))
    }

    @Test func `the default platform is written into services that are built`() throws {
        let project = try load(
            ["compose.yaml": "services: {a: {build: .}, b: {image: i}}"],
            environment: ["DOCKER_DEFAULT_PLATFORM": "linux/arm64"])
        #expect(project.services["a"]?.platform == "linux/arm64")
        #expect(project.services["b"]?.platform == nil)
    }
}
