-- Posts to /digits: counts as JSON, or an image, and prints one line for a run.
--   wrk -s http.lua URL -- json COUNTS_FILE      a line of 64 numbers for each body
--   wrk -s http.lua URL -- image PNG_FILE

local bodies = {}
local nextBody = 0

function init(args)
  local kind, file = args[1], args[2]
  if kind == "json" then
    for line in io.lines(file) do
      bodies[#bodies + 1] = wrk.format("POST", "/digits",
        { ["Content-Type"] = "application/json" }, '{"pixels":[' .. line .. "]}")
    end
  elseif kind == "image" then
    local image = assert(io.open(file, "rb"))
    bodies[1] = wrk.format("POST", "/digits", { ["Content-Type"] = "image/png" }, image:read("*a"))
    image:close()
  else
    error("the kind is " .. tostring(kind) .. ", it has to be json or image")
  end
end

function request()
  nextBody = nextBody % #bodies + 1
  return bodies[nextBody]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("%10.0f %9.3f %9.3f %9.3f %9d %9d\n",
    summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
