// swift-tools-version: 6.2
// The rooms of the house and who may enter which. A room's first folder is its layer; the table below says which layers
// it may import from. A violation prints one sentence and stops the build.
import Foundation
import PackageDescription

/// Which layers each layer may import. Services never see an adapter, adapters never see a service; only programs see both.
let allowedImports: [String: Set<String>] = [
    "Primitives": [],
    "Domain": ["Primitives", "Domain"],
    "Ports": ["Primitives", "Domain"],
    "Interop": ["Interop"],
    "Adapters": ["Primitives", "Domain", "Ports", "Interop"],
    "Services": ["Primitives", "Domain", "Ports"],
    "Programs": ["Primitives", "Domain", "Ports", "Adapters", "Services"],
    "Testing": ["Primitives", "Domain", "Ports", "Adapters", "Services", "Testing"],
    "Tests": ["Primitives", "Domain", "Ports", "Interop", "Adapters", "Services", "Testing"],
]

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }

/// Tests are never optimised, only what they test: it would gain nothing, and Swift 6.3's optimiser crashes on some of them.
let testSettings = settings + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

struct Room {
    var path: String
    var needs: [String] = []
    var libraries: [Target.Dependency] = []

    var layer: String { String(path.prefix { $0 != "/" }) }
    var name: String { String(path.split(separator: "/").last ?? "") }
}

let rooms: [Room] = [
    Room(path: "Primitives", libraries: [crypto]),

    Room(path: "Domain/Contracts", needs: ["Primitives"]),
    Room(path: "Domain/Evidence", needs: ["Primitives"], libraries: [crypto]),
    Room(path: "Domain/Inference", needs: ["Primitives", "Contracts"]),
    Room(path: "Domain/Decisions", needs: ["Primitives", "Contracts", "Guardrails", "Inference"], libraries: [crypto]),
    Room(path: "Domain/Pipelines", needs: ["Primitives", "Contracts"]),
    Room(path: "Domain/Signals", needs: ["Primitives"]),
    Room(path: "Domain/Guardrails", needs: ["Primitives"]),
    Room(path: "Domain/Registry", needs: ["Primitives", "Evidence"]),
    Room(path: "Domain/Releases", needs: ["Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Inference", "Pipelines", "Registry"], libraries: [crypto]),

    Room(path: "Ports", needs: ["Primitives", "Contracts", "Decisions", "Evidence", "Inference", "Pipelines", "Registry", "Releases", "Signals"]),

    Room(path: "Interop/CLightGBM"),
    Room(path: "Interop/LightGBM", needs: ["CLightGBM"]),
    Room(path: "Interop/OwnedDatabase", libraries: [grdb]),

    Room(path: "Adapters/MemoryStores", needs: ["Primitives", "Decisions", "Evidence", "Ports"]),
    Room(path: "Adapters/SQLiteLedger", needs: ["Primitives", "Evidence", "Ports", "OwnedDatabase"], libraries: [grdb]),
    Room(path: "Adapters/SegmentLog", needs: ["Primitives", "Decisions", "Ports"]),
    Room(path: "Adapters/SQLiteDecisions", needs: ["Primitives", "Decisions", "Inference", "Ports", "OwnedDatabase"], libraries: [grdb]),
    Room(path: "Adapters/FileArtifacts", needs: ["Primitives", "Ports"], libraries: [crypto]),
    Room(path: "Adapters/ModelEngines", needs: ["Primitives", "Inference", "Ports", "LightGBM"]),
    Room(path: "Adapters/YAMLDocuments", needs: ["Primitives", "Ports"], libraries: [.product(name: "Yams", package: "Yams")]),
    Room(
        path: "Adapters/ControlPlaneClient", needs: ["Primitives", "Decisions", "Evidence", "Inference", "Registry", "Releases", "Ports"],
        libraries: [.product(name: "AsyncHTTPClient", package: "async-http-client")] + nio),
    Room(
        path: "Adapters/SandboxedProbe", needs: ["Primitives", "Contracts", "Signals", "Ports"]),
    Room(path: "Adapters/ReleaseStories", needs: ["Primitives", "Evidence", "Guardrails", "Pipelines", "Registry", "Releases", "Ports"]),
    Room(path: "Adapters/SQLiteRuns", needs: ["Primitives", "Pipelines", "Ports", "OwnedDatabase"], libraries: [grdb]),
    Room(path: "Adapters/ProjectFolder", needs: ["Primitives", "Pipelines", "Ports"]),
    Room(
        path: "Adapters/LocalProcesses", needs: ["Primitives", "Pipelines", "Ports"],
        libraries: [.product(name: "Subprocess", package: "swift-subprocess")]),

    Room(path: "Services/PipelineExecutor", needs: ["Primitives", "Contracts", "Evidence", "Pipelines", "Ports"]),
    Room(
        path: "Services/ReleaseController",
        needs: ["Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Inference", "Registry", "Releases", "Signals", "Ports"],
        libraries: [log, lifecycle]),
    Room(
        path: "Services/ControlPlane", needs: ["Primitives", "Decisions", "Evidence", "Inference", "Registry", "Releases", "Ports"],
        libraries: [log, lifecycle, .product(name: "Hummingbird", package: "hummingbird")]),
    Room(
        path: "Services/ServingPlane", needs: ["Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Inference", "Releases", "Ports"],
        libraries: nio + [log, lifecycle, crypto]),
]

let program = Room(
    path: "Programs/penstock",
    needs: [
        "Primitives", "Contracts", "Decisions", "Evidence", "Inference", "Pipelines", "Registry", "Releases", "Signals", "Ports",
        "SQLiteLedger", "SQLiteDecisions", "SQLiteRuns", "SegmentLog", "ProjectFolder", "FileArtifacts", "ModelEngines", "YAMLDocuments",
        "ControlPlaneClient", "LocalProcesses", "SandboxedProbe", "ReleaseStories", "PipelineExecutor", "ReleaseController", "ControlPlane", "ServingPlane",
    ],
    libraries: nio + [
        log, lifecycle,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Rainbow", package: "Rainbow"),
    ])

/// What tests share. Never part of the program.
let testing: [Room] = [
    Room(
        path: "Testing/TestKit",
        needs: ["Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Pipelines", "Registry", "Releases", "Inference", "Ports", "YAMLDocuments"]),
    Room(path: "Testing/Conformance", needs: ["Primitives", "Evidence", "Ports"]),
    Room(
        path: "Testing/Simulator",
        needs: [
            "Primitives", "Decisions", "Evidence", "Inference", "Registry", "Releases", "Ports", "MemoryStores", "YAMLDocuments", "ReleaseController", "TestKit",
        ], libraries: [log]),
]

/// Programs that tests start and kill.
let testPrograms: [Room] = [
    Room(path: "Testing/Durability", needs: ["Primitives", "Decisions", "Evidence", "Ports", "SQLiteLedger", "SQLiteDecisions", "FileArtifacts"], libraries: [grdb]),
    Room(path: "Testing/DecisionWriter", needs: ["Primitives", "Decisions", "Ports", "SegmentLog"]),
]

/// Tests repeat the folders of what they test.
let tests: [Room] = [
    Room(path: "Tests/Tree"),
    Room(path: "Tests/Primitives", needs: ["Primitives"]),
    Room(path: "Tests/Domain/Contracts", needs: ["Primitives", "Contracts", "Ports", "YAMLDocuments"]),
    Room(path: "Tests/Domain/Evidence", needs: ["Primitives", "Evidence"], libraries: [crypto]),
    Room(path: "Tests/Domain/Inference", needs: ["Primitives", "Contracts", "Inference", "Ports", "YAMLDocuments"]),
    Room(path: "Tests/Domain/Signals", needs: ["Primitives", "Signals"]),
    Room(path: "Tests/Domain/Guardrails", needs: ["Primitives", "Guardrails", "Ports", "YAMLDocuments"]),
    Room(path: "Tests/Domain/Registry", needs: ["Primitives", "Evidence", "Registry", "TestKit"]),
    Room(
        path: "Tests/Domain/Releases",
        needs: [
            "Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Inference", "Pipelines", "Registry", "Releases", "Ports", "YAMLDocuments", "TestKit",
        ]),
    Room(path: "Tests/Domain/Pipelines", needs: ["Primitives", "Contracts", "Pipelines", "Ports", "YAMLDocuments", "TestKit"]),
    Room(path: "Tests/Domain/Decisions", needs: ["Primitives", "Contracts", "Inference", "Decisions", "Ports", "YAMLDocuments"]),
    Room(path: "Tests/Adapters/SegmentLog", needs: ["Primitives", "Decisions", "Ports", "SegmentLog"]),
    Room(
        path: "Tests/Adapters/Stores", needs: ["Primitives", "Evidence", "Ports", "MemoryStores", "SQLiteLedger", "FileArtifacts", "Conformance"],
        libraries: [grdb]),
    Room(path: "Tests/Adapters/ModelEngines", needs: ["Primitives", "Inference", "Ports", "ModelEngines"]),
    Room(path: "Tests/Adapters/LocalProcesses", needs: ["Primitives", "Ports", "LocalProcesses"]),
    Room(path: "Tests/Adapters/SQLiteDecisions", needs: ["Primitives", "Inference", "Decisions", "Ports", "SQLiteDecisions", "TestKit"], libraries: [grdb]),
    Room(
        path: "Tests/Adapters/ReleaseStories",
        needs: ["Primitives", "Evidence", "Guardrails", "Inference", "Decisions", "Registry", "Releases", "Ports", "ReleaseStories", "TestKit"]),
    Room(path: "Tests/Adapters/Runs", needs: ["Primitives", "Pipelines", "Ports", "SQLiteRuns", "TestKit"]),
    Room(
        path: "Tests/Services/PipelineExecutor",
        needs: [
            "Primitives", "Contracts", "Evidence", "Pipelines", "Registry", "Ports", "PipelineExecutor", "SQLiteRuns", "ProjectFolder", "FileArtifacts",
            "LocalProcesses", "YAMLDocuments", "TestKit",
        ]),
    Room(
        path: "Tests/Services/ServingPlane",
        needs: [
            "Primitives", "Contracts", "Decisions", "Evidence", "Guardrails", "Inference", "Registry", "Releases", "Ports", "SegmentLog", "ServingPlane", "YAMLDocuments",
            "TestKit",
        ],
        libraries: nio + [log, lifecycle]),
    Room(
        path: "Tests/Services/ReleaseController",
        needs: [
            "Primitives", "Decisions", "Evidence", "Guardrails", "Inference", "Registry", "Releases", "Ports", "MemoryStores", "YAMLDocuments", "ReleaseController", "TestKit",
        ],
        libraries: [log, lifecycle]),
    Room(path: "Tests/Testing/Simulator", needs: ["Primitives", "Simulator"]),
    Room(path: "Tests/Programs/penstock", needs: ["Primitives", "Evidence"]),
    Room(
        path: "Tests/System",
        needs: [
            "Primitives", "Contracts", "Decisions", "Evidence", "Registry", "Releases", "Ports", "SQLiteLedger", "SQLiteDecisions", "SegmentLog", "FileArtifacts", "ModelEngines",
            "YAMLDocuments", "ControlPlaneClient",
            "LocalProcesses", "SandboxedProbe", "ReleaseController", "ControlPlane", "ServingPlane", "TestKit",
        ], libraries: [log, lifecycle]),
    Room(
        path: "Tests/Services/ControlPlane",
        needs: [
            "Primitives", "Decisions", "Evidence", "Inference", "Pipelines", "Registry", "Releases", "Ports", "MemoryStores", "SQLiteDecisions", "ControlPlane",
            "ControlPlaneClient", "TestKit",
        ],
        libraries: nio + [log, lifecycle]),
]

checkImports()

let package = Package(
    name: "penstock",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "penstock", targets: ["penstock"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: (rooms + testing).map(library) + ([program] + testPrograms).map(executable) + tests.map(test))

func dependencies(_ room: Room) -> [Target.Dependency] { room.needs.map { .byName(name: $0) } + room.libraries }

func library(_ room: Room) -> Target {
    let isC = room.layer == "Interop" && room.needs.isEmpty && room.libraries.isEmpty
    return .target(name: room.name, dependencies: dependencies(room), path: "Sources/" + room.path, swiftSettings: isC ? [] : settings)
}

func executable(_ room: Room) -> Target {
    .executableTarget(name: room.name, dependencies: dependencies(room), path: "Sources/" + room.path, swiftSettings: settings)
}

func test(_ room: Room) -> Target {
    .testTarget(name: room.name + "Tests", dependencies: dependencies(room), path: room.path, swiftSettings: testSettings)
}

func checkImports() {
    let layers = Dictionary(uniqueKeysWithValues: (rooms + testing + testPrograms + [program]).map { ($0.name, $0.layer) })
    for room in rooms + testing + testPrograms + [program] + tests {
        for need in room.needs {
            guard let layer = layers[need] else { stop("\(room.path) needs \(need), which is no room of this package.") }
            guard allowedImports[room.layer]?.contains(layer) == true else {
                stop("\(room.path) (\(room.layer)) may not import \(need) (\(layer)); see allowedImports in Package.swift.")
            }
        }
    }
}

func stop(_ sentence: String) -> Never {
    FileHandle.standardError.write(Data((sentence + "\n").utf8))
    exit(1)
}
