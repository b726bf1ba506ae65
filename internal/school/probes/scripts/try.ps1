# Tries the school's filter from this device, and tells Belisha what happened.
# It asks for made-up names only; nothing bad is opened. Run it each hour.
# It needs nothing but Windows 10 or newer, and goes the way that its browsers go.
$base = '@BASE@'; $site = '@SITE@'; $key = '@KEY@'; $here = 'here.@ZONE@'
$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'

function Page($to) {
  try { $null = Invoke-WebRequest -UseBasicParsing -TimeoutSec 15 $to; return 'open' }
  catch {
    $r = $_.Exception.Response
    if ($r -and [int]$r.StatusCode -eq 403) { return 'closed' }
    if ("$($_.Exception.Status) $($_.Exception.InnerException.SocketErrorCode)" -match 'NameResolutionFailure|HostNotFound') { return 'gone' }
    return 'nothing'
  }
}
function Names($at, $tcp) {
  try { $a = Resolve-DnsName -Name $here -Type A -Server $at -DnsOnly -NoHostsFile -QuickTimeout -TcpOnly:$tcp }
  catch {
    if ("$($_.FullyQualifiedErrorId)" -match 'RCODE|NO_RECORDS') { return 'reached' }
    return 'refused'
  }
  if ($a | Where-Object { $_.IPAddress }) { return 'ours' }
  return 'reached'
}
function Connected($at, $port, $secure) {
  $tcp = New-Object Net.Sockets.TcpClient
  try {
    if (-not $tcp.ConnectAsync($at, $port).Wait(8000)) { return 'refused' }
    if ($secure) {
      $tcp.ReceiveTimeout = 8000; $tcp.SendTimeout = 8000
      $anybody = [Net.Security.RemoteCertificateValidationCallback] { $true }
      $tls = New-Object Net.Security.SslStream($tcp.GetStream(), $false, $anybody)
      $tls.AuthenticateAsClient($at)
    }
    return 'reached'
  } catch { return 'refused' } finally { $tcp.Close() }
}
function Quic($at, $port) {
  # A greeting of no version, which every QUIC server answers.
  $b = New-Object byte[] 1200
  [byte[]]$head = [byte[]](0xC0, 0x1A, 0x2A, 0x3A, 0x4A, 8) + [Text.Encoding]::ASCII.GetBytes('belisha1') + [byte[]](, 8) + [Text.Encoding]::ASCII.GetBytes('belisha2')
  [Array]::Copy($head, $b, $head.Length)
  $ip = [Net.IPAddress]::Parse($at)
  $udp = New-Object Net.Sockets.UdpClient($ip.AddressFamily)
  try {
    $udp.Connect($ip, $port); $udp.Client.ReceiveTimeout = 3000
    $null = $udp.Send($b, $b.Length)
    $from = New-Object Net.IPEndPoint($ip, $port)
    $null = $udp.Receive([ref]$from)
    return 'reached'
  } catch { return 'refused' } finally { $udp.Close() }
}

$plan = (Invoke-WebRequest -UseBasicParsing -TimeoutSec 20 "$base/probe/plan/$site").Content
if ($plan -is [byte[]]) { $plan = [Text.Encoding]::UTF8.GetString($plan) }
$number = ''
$told = foreach ($line in $plan -split "\r?\n") {
  $word, $to = $line -split ' ', 2
  if (-not $to) { continue }
  if ($word -eq 'number') { $number = $to; continue }
  $by, $rest = $to -split '://', 2
  if ($by -eq 'http') { "$word $(Page $to)"; continue }
  $cut = $rest.LastIndexOf(':')
  $at = $rest.Substring(0, $cut).Trim('[', ']'); $port = [int]$rest.Substring($cut + 1)
  switch ($by) {
    'udp' { $said = Names $at $false }
    'tcp' { $said = Names $at $true }
    'tls' { $said = Connected $at $port $true }
    'https' { $said = Connected $at $port $true }
    'quic' { $said = Quic $at $port }
    'port' { $said = Connected $at $port $false }
    default { $said = 'untried' }
  }
  "$word $said"
}
$body = $told -join "`n"
$mac = New-Object Security.Cryptography.HMACSHA256(, [Text.Encoding]::UTF8.GetBytes($key))
$sign = -join ($mac.ComputeHash([Text.Encoding]::UTF8.GetBytes("$number`n$body")) | ForEach-Object { $_.ToString('x2') })
$answer = Invoke-WebRequest -UseBasicParsing -TimeoutSec 20 -Method Post -ContentType 'text/plain' -Body ([Text.Encoding]::UTF8.GetBytes($body)) "$base/probe/report/${site}?number=$number&sign=$sign"
[Text.Encoding]::UTF8.GetString([byte[]]$answer.RawContentStream.ToArray())
