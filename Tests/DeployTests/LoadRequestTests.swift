import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

/// Which project a commit means: its name, its files, its profiles.
@Suite struct LoadRequestTests {
    private func settings(_ change: (inout ProjectSettings) -> Void = { _ in }) -> ProjectSettings {
        var settings = ProjectSettings(
            name: "key", repository: "https://git.example.com/shop", revision: "branch main", branch: "main")
        settings.directory = "stack"
        change(&settings)
        return settings
    }

    private func load(_ files: [String: String], _ settings: ProjectSettings) throws -> ProjectLoader.Result {
        let tree = FileTree(Dictionary(uniqueKeysWithValues: files.map { ("/checkout/stack/\($0)", $1) }))
        return try ProjectLoader(files: tree.access).load(
            ProjectLoader.Request(settings, checkout: "/checkout"))
    }

    private let service = "services: {web: {image: 'web:1'}}\n"

    @Test func `the name is the configured one, else that of the commit's env file, else of its files, else the key`()
        throws
    {
        let named = "name: from-file\n" + service
        let env = "COMPOSE_PROJECT_NAME=from-env\n"
        let configured = settings { $0.configuredProjectName = "given" }
        #expect(try load(["compose.yaml": named, ".env": env], configured).project.name == "given")
        #expect(try load(["compose.yaml": named, ".env": env], settings()).project.name == "from-env")
        #expect(try load(["compose.yaml": named], settings()).project.name == "from-file")
        #expect(try load(["compose.yaml": service], settings()).project.name == "key")
    }

    @Test func `files and profiles of the commit's env file count unless the configuration gives some`() throws {
        let two = "services: {web: {image: 'web:1', profiles: [a]}, db: {image: 'db:1', profiles: [b]}}\n"
        let files = [
            "compose.yaml": service, "prod.yaml": two, ".env": "COMPOSE_FILE=prod.yaml\nCOMPOSE_PROFILES=a\n",
        ]
        #expect(try load(files, settings()).project.services.keys.sorted() == ["web"])
        let given = settings {
            $0.files = ["prod.yaml"]
            $0.profiles = ["b"]
        }
        #expect(try load(files, given).project.services.keys.sorted() == ["db"])
    }

    @Test func `commands that load nothing take the configured name, else the recorded one, else the key`() throws {
        let recorded = try load(["compose.yaml": "name: before\n" + service], settings()).project
        #expect(settings { $0.configuredProjectName = "given" }.composeName(recorded: recorded) == "given")
        #expect(settings().composeName(recorded: recorded) == "before")
        #expect(settings().composeName(recorded: nil) == "key")
    }

    @Test func `a profile that no service has is a problem with the nearest known one`() throws {
        let profiled = "services: {web: {image: 'web:1', profiles: [prod]}, db: {image: 'db:1'}}\n"
        func problems(_ profiles: [String], env: String = "") throws -> [String] {
            let settings = settings { $0.profiles = profiles }
            let loaded = try load(["compose.yaml": profiled, ".env": env], settings)
            return loaded.deploymentProfileProblems(profiles: profiles).map(\.description)
        }
        #expect(
            try problems(["prdo"]) == ["profiles: \"prdo\" is no profile of the project; did you mean \"prod\"?"])
        #expect(
            try problems(["elsewhere"])
                == ["profiles: \"elsewhere\" is no profile of the project; known are prod"])
        #expect(
            try problems([], env: "COMPOSE_PROFILES=prood\n")
                == ["COMPOSE_PROFILES: \"prood\" is no profile of the project; did you mean \"prod\"?"])
        #expect(try problems(["prod"]).isEmpty)
        #expect(try problems(["*"]).isEmpty)
        #expect(try problems([]).isEmpty)
    }

    @Test func `no service at all, or none enabled, is a problem with its place`() throws {
        func problems(_ yaml: String) throws -> [String] {
            try load(["compose.yaml": yaml], settings()).deploymentProfileProblems(profiles: []).map(\.description)
        }
        #expect(
            try problems("services: {}\n")
                == ["/checkout/stack/compose.yaml:1:1: services: the project has no service"])
        #expect(
            try problems("volumes: {a: {}}\nservices:\n  web: {image: 'web:1', profiles: [dev]}\n")
                == [
                    "/checkout/stack/compose.yaml:2:1: services: no service is enabled: each has a profile, and none of "
                        + "dev is active"
                ])
    }

    @Test(arguments: ["services: {}", "services: {web: {image: 'web:1', profiles: [other]}}"])
    func `a commit without an enabled service removes nothing`(yaml: String) async {
        let house = House()
        house.push(pair)
        #expect(await house.deploy().outcome == .deployed)
        let running = house.containers
        house.push(yaml)
        let result = await house.deploy()
        #expect(result.outcome == .invalid)
        #expect(house.containers == running)
    }

    @Test func `a project whose name would change is refused, and runs on`() async {
        let house = House()
        house.push(pair)
        #expect(await house.deploy().outcome == .deployed)
        let running = house.containers
        house.push("name: other\n" + pair)
        let result = await house.deploy()
        #expect(result.failure?.reason == .invalidConfiguration)
        #expect(result.failure?.message.contains("from \"shop\" to \"other\"") == true)
        #expect(house.containers == running)
    }

    @Test func `hooks get the bare branch, or none for a tag, and always what is followed`() async {
        let house = House()
        house.push(pair)
        house.configure {
            $0.hooks.postDeploy = [
                HostCommand(arguments: ["hook"], title: "hook", directory: "/", timeout: .seconds(1))
            ]
        }
        _ = await house.deploy()
        let first = house.commands.with { $0.run.last }
        #expect(first?.environment["WATCHER_BRANCH"] == "main")
        #expect(first?.environment["WATCHER_REVISION"] == "branch main")
        #expect(first?.input.contains(#""branch":"main""#) == true)
        house.configure {
            $0.branch = nil
            $0.revision = "tags v*"
        }
        house.push(pair.replacing("web:1", with: "web:2"))
        _ = await house.deploy()
        let second = house.commands.with { $0.run.last }
        #expect(second?.environment["WATCHER_BRANCH"] == nil)
        #expect(second?.environment["WATCHER_REVISION"] == "tags v*")
        #expect(second?.input.contains(#""branch":"#) == false)
        #expect(second?.input.contains(#""revision":"tags v*""#) == true)
    }
}
