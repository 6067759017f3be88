# Julia's side of conformance: what is asked of real Julia, from 1.5 on.
#
# A request and its answer are one line each: fields of bytes in base64, with a space
# between them. A request is a verb, the depots (joined by NUL), and the verb's arguments.
# An answer is "ok" and the values; or "error", the exception's type, its first line and
# what was logged; or "fault" where the request itself makes no sense.
# Both transports load this file: juliacall calls `answer`, and `julia oracle.jl` answers
# the lines on its standard input. juliacall's Main is the program's, hence the name.

module FetchArtifactsOracle

import Base64, Dates, Logging, Pkg, SHA
using Base: SHA1
using Pkg.GitTools: tree_hash

@static if VERSION >= v"1.6"
    import Artifacts, TOML, Tar
    using Base.BinaryPlatforms
    parse_platform(triplet) = parse(Platform, triplet)
    sha256_tree_hash(path) = tree_hash(SHA.SHA256_CTX, path)
else
    const Artifacts = Pkg.Artifacts
    const TOML = Pkg.TOML
    using Pkg.BinaryPlatforms
    const HostPlatform = platform_key_abi
    parse_platform(triplet) = platform_key_abi(triplet)
end

"The running platform for \"\", with \"host:\" that triplet as if it were the running one."
function platform(text)
    isempty(text) && return HostPlatform()
    startswith(text, "host:") && return HostPlatform(parse_platform(text[6:end]))
    return parse_platform(text)
end

flag(text) = parse(Bool, text)
sha1(hex) = SHA1(hex)
encode(values) = join(map(Base64.base64encode, values), ' ')
decode(field) = String(Base64.base64decode(field))
sorted_toml(table) = sprint(io -> TOML.print(io, table; sorted = true))

"What a value looks like in an answer: nothing is no field, a list is one field each."
fields(value::AbstractString) = [String(value)]
fields(value::Union{Bool,Number,Symbol}) = [string(value)]
fields(::Nothing) = String[]
fields(hash::SHA1) = [bytes2hex(hash.bytes)]
fields(values::Union{AbstractVector,Tuple}) = reduce(vcat, map(fields, collect(values)); init = String[])

function copy_into(target, folder)
    for name in readdir(folder)
        cp(joinpath(folder, name), joinpath(target, name))
    end
end

function artifact_meta(name, toml, triplet)
    meta = Pkg.Artifacts.artifact_meta(name, toml; platform = platform(triplet))
    return meta === nothing ? nothing : sorted_toml(meta)
end

"Where the entry's tree is, with what is overridden for the package of that UUID."
function place(name, toml, triplet, uuid)
    table = Artifacts.load_artifacts_toml(toml; pkg_uuid = isempty(uuid) ? nothing : Base.UUID(uuid))
    hash = Pkg.Artifacts.artifact_hash(name, toml; platform = platform(triplet))
    return haskey(table, name) && hash !== nothing ? Pkg.Artifacts.artifact_path(hash) : nothing
end

"Install what a file binds from its own sources: no package server is asked."
function install(name, toml, triplet)
    return withenv("JULIA_PKG_SERVER" => "") do
        Pkg.Artifacts.ensure_artifact_installed(
            name, toml; platform = platform(triplet), quiet_download = true
        )
    end
end

"The triplet in today's order: 1.5 puts libstdcxx before the string ABI."
function host_triplet()
    return replace(triplet(HostPlatform()), r"(-libstdcxx\d+)(-cxx\d+)" => s"\2\1")
end

"What a question logs as an error, joined, and its values: Julia logs in places where others throw."
function logged(verb, arguments...)
    log = IOBuffer()
    values = Logging.with_logger(Logging.SimpleLogger(log, Logging.Error)) do
        fields(VERBS[verb](arguments...))
    end
    return [String(take!(log)); values]
end

function bind_artifact(toml, name, hash, triplet, lazy, force, sources...)
    pairs = [(sources[i], sources[i+1]) for i in 1:2:length(sources)]
    Pkg.Artifacts.bind_artifact!(
        toml, name, sha1(hash);
        platform = isempty(triplet) ? nothing : platform(triplet),
        download_info = isempty(pairs) ? nothing : pairs,
        lazy = flag(lazy), force = flag(force),
    )
    return nothing
end

function unbind_artifact(toml, name, triplet)
    chosen = isempty(triplet) ? nothing : platform(triplet)
    return Pkg.Artifacts.unbind_artifact!(toml, name; platform = chosen)
end

"DEPOT_PATH of a Julia that starts with this environment."
function depot_path(home, value...)
    setting = isempty(value) ? nothing : value[1]
    return withenv("JULIA_DEPOT_PATH" => setting, "HOME" => home, "USERPROFILE" => home) do
        Base.init_depot_path()
        copy(DEPOT_PATH)
    end
end

# What DEPOT_PATH was before a question put its own in place.
const PRESENT_DEPOTS = Ref(String[])

const VERBS = Dict{String,Function}(
    "version" => () -> string(VERSION),
    "capabilities" => () -> sort!(collect(keys(VERBS))),
    "present_depots" => () -> PRESENT_DEPOTS[],
    "program" => () -> joinpath(Sys.BINDIR, Base.julia_exename()),
    "tree_hash" => path -> bytes2hex(tree_hash(path)),
    "artifact_meta" => artifact_meta,
    "artifact_hash" => (name, toml, triplet) ->
        Pkg.Artifacts.artifact_hash(name, toml; platform = platform(triplet)),
    "artifact_path" => (hash, overrides) ->
        Pkg.Artifacts.artifact_path(sha1(hash); honor_overrides = flag(overrides)),
    "artifact_exists" => (hash, overrides) ->
        Pkg.Artifacts.artifact_exists(sha1(hash); honor_overrides = flag(overrides)),
    "verify_artifact" => hash -> Pkg.Artifacts.verify_artifact(sha1(hash)),
    "remove_artifact" => hash -> Pkg.Artifacts.remove_artifact(sha1(hash)),
    "archive_artifact" => (hash, tarball) ->
        Pkg.Artifacts.archive_artifact(sha1(hash), tarball),
    "create_artifact" => folder ->
        Pkg.Artifacts.create_artifact(target -> copy_into(target, folder)),
    "ensure_artifact_installed" => install,
    "artifact_names" => toml -> sort!(collect(keys(Artifacts.load_artifacts_toml(toml)))),
    "place" => place,
    "extract_all_hashes" => (toml, triplet, lazy) ->
        Pkg.Artifacts.extract_all_hashes(
            toml; platform = platform(triplet), include_lazy = flag(lazy)
        ),
    "bind_artifact" => bind_artifact,
    "unbind_artifact" => unbind_artifact,
    "find_artifacts_toml" => Pkg.Artifacts.find_artifacts_toml,
    "gc" => () -> Pkg.gc(collect_delay = Dates.Second(0)),
    "print_toml" => text -> sorted_toml(TOML.parse(text)),
    "depot_path" => depot_path,
    "host_triplet" => host_triplet,
    "triplet" => text -> triplet(parse_platform(text)),
    "platforms_match" => (a, b) -> platforms_match(platform(a), platform(b)),
    "select_platform" => (want, have...) ->
        select_platform(Dict(parse_platform(each) => each for each in have), platform(want)),
    "logged" => logged,
    # Many questions in one line: each argument is a request, each value an answer.
    "batch" => (requests...) -> String[answer(request) for request in requests],
    # The seconds that one of n calls takes, inside a running Julia.
    "seconds" => (n, verb, arguments...) -> begin
        call = VERBS[verb]
        @elapsed(for _ in 1:parse(Int, n); call(arguments...); end) / parse(Int, n)
    end,
)

@static if VERSION >= v"1.6"
    merge!(VERBS, Dict{String,Function}(
        # 1.5 hashes what is inside with SHA-1 all the same.
        "sha256_tree_hash" => path -> bytes2hex(sha256_tree_hash(path)),
        "platform_tags" => triplet -> [p for pair in sort!(collect(tags(parse_platform(triplet)))) for p in pair],
        "select_downloadable_artifacts" => (toml, triplet, lazy) -> sort!(collect(keys(
            Artifacts.select_downloadable_artifacts(
                toml; platform = platform(triplet), include_lazy = flag(lazy)
            )
        ))),
        "tar_create" => (folder, tarball, portable) ->
            (Tar.create(folder, tarball; portable = flag(portable)); nothing),
        "tar_extract" => (tarball, folder) -> (Tar.extract(tarball, folder); nothing),
        "tar_tree_hash" => (tarball, algorithm, skip_empty) ->
            Tar.tree_hash(tarball; algorithm = algorithm, skip_empty = flag(skip_empty)),
        "slash_lookup" => (name, toml, triplet) -> begin
            table = Artifacts.load_artifacts_toml(toml)
            found, tail, hash = Artifacts.artifact_slash_lookup(name, table, toml, platform(triplet))
            [found, tail, bytes2hex(hash.bytes)]
        end,
    ))
end

"One depot path for each request: nothing of another one's depot or overrides stays."
function enter(depots)
    empty!(DEPOT_PATH)
    append!(DEPOT_PATH, depots)
    Artifacts.ARTIFACT_OVERRIDES[] = nothing
    Artifacts.ARTIFACTS_DIR_OVERRIDE[] = nothing
end

"Do something, and leave the depots and what Pkg prints to as they were: juliacall's
Julia is the program's own."
function within(work)
    depots = copy(DEPOT_PATH)
    PRESENT_DEPOTS[] = depots
    overrides = Artifacts.ARTIFACT_OVERRIDES[]
    folder = Artifacts.ARTIFACTS_DIR_OVERRIDE[]
    printed = isdefined(Pkg, :DEFAULT_IO) ? Pkg.DEFAULT_IO[] : nothing
    try
        isdefined(Pkg, :DEFAULT_IO) && (Pkg.DEFAULT_IO[] = devnull)
        return work()
    finally
        isdefined(Pkg, :DEFAULT_IO) && (Pkg.DEFAULT_IO[] = printed)
        enter(depots)
        Artifacts.ARTIFACT_OVERRIDES[] = overrides
        Artifacts.ARTIFACTS_DIR_OVERRIDE[] = folder
    end
end

function answer(request::AbstractString)
    verb, depots = map(decode, split(request, ' ')[1:2])
    arguments = map(decode, split(request, ' ')[3:end])
    haskey(VERBS, verb) || return encode(["fault", "this Julia has no verb $verb"])
    log = IOBuffer()
    values = Logging.with_logger(Logging.SimpleLogger(log)) do
        try
            within() do
                enter(String.(split(depots, '\0'; keepempty = false)))
                ["ok"; fields(VERBS[verb](arguments...))]
            end
        catch exception
            exception isa InterruptException && rethrow()  # Ctrl-C is for the asker
            ours = exception isa MethodError && exception.f === VERBS[verb]
            first_line = String(first(split(sprint(showerror, exception), '\n')))
            [ours ? "fault" : "error", string(nameof(typeof(exception))), first_line, String(take!(log))]
        end
    end
    return encode(values)
end

"Answer lines until the input ends; whatever else prints goes to standard error."
function serve()
    requests, answers = stdin, stdout
    redirect_stdout(stderr)
    for request in eachline(requests)
        println(answers, answer(request))
        flush(answers)
    end
end

end

abspath(PROGRAM_FILE) == @__FILE__() && FetchArtifactsOracle.serve()
