import Testing

@testable import Compose

struct SelectionTests {
    private static let json = """
        {"services": {
            "web": {"image": "i", "networks": {"front": null}, "depends_on":
                {"db": {"condition": "service_started", "required": false}}},
            "db": {"image": "i", "profiles": ["data"], "networks": {"back": null},
                "volumes": [{"type": "volume", "source": "v", "target": "/v"}]},
            "admin": {"image": "i", "profiles": ["tools"], "networks": {"back": null}}},
         "networks": {"front": {"name": "p_front"}, "back": {"name": "p_back"}},
         "volumes": {"v": {"name": "p_v"}, "unused": {"name": "p_unused"}}}
        """

    @Test func `services of inactive profiles are set apart, and what only they use is left out`() throws {
        let project = try Project.from(json: Self.json)
        #expect(project.services.keys.sorted() == ["web"])
        #expect(project.disabledServices.keys.sorted() == ["admin", "db"])
        #expect(project.networks.keys.sorted() == ["front"])
        #expect(project.volumes.isEmpty)
    }

    @Test(arguments: [(["data"], ["db", "web"]), (["*"], ["admin", "db", "web"]), (["other"], ["web"])])
    func `an active profile enables its services`(profiles: [String], enabled: [String]) throws {
        #expect(try Project.from(json: Self.json, profiles: profiles).services.keys.sorted() == enabled)
    }

    @Test func `naming a service keeps it, its profile and what it depends on`() throws {
        let project = try Project.from(json: Self.json, profiles: ["data"])
        #expect(try project.selecting(["web"]).services.keys.sorted() == ["db", "web"])
        #expect(try project.selecting(["db"]).services.keys.sorted() == ["db"])
        #expect(try project.selecting([]) == project)
        #expect(throws: ComposeError.self) { try project.selecting(["nobody"]) }
    }

    @Test func `dependencies come first, otherwise names in order`() throws {
        let project = try Project.from(
            json: """
                {"services": {"a": {"image": "i", "depends_on": {"c": {}, "b": {}}}, "b": {"image": "i"},
                    "c": {"image": "i", "depends_on": {"d": {}}}, "d": {"image": "i"}}}
                """)
        #expect(project.dependencyOrder == ["b", "d", "c", "a"])
    }
}
